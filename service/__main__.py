"""`python -m service`, or `digitcodec`: the command line; see `service.cli`."""

import os
import signal
import sys

# As process 1 of a container nothing but a handler takes a signal: a stop during the imports would be lost.
if os.getpid() == 1:
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
# gRPC reads it once, at its import: its core writes notices to the terminal past every logger.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
# prometheus-client reads these at its import, and would keep the metrics of a single process in files that nobody
# reads. Workers name a folder of their own.
for _name in ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"):
    os.environ.pop(_name, None)

from service.cli.command import main as run_command


def main() -> int:
    """Do what the command line asks for; without a command, serve until told to stop.

    Returns:
        The status of the process: 0 when it is done; the others are in `service.cli.errors`.
    """
    # TensorFlow's C++ prints notices to the terminal at import; errors still come through.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
