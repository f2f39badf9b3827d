"""`python -m service [gateway|model-server|key NAME]`: read settings and serve, or say in one line what is wrong."""

import os

# gRPC reads it once, at its import: its core writes notices to the terminal past every logger.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
# prometheus-client reads these at its import, and would keep the metrics of a single process in files that nobody
# reads. Workers name a folder of their own.
for _name in ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"):
    os.environ.pop(_name, None)

import sys
from argparse import SUPPRESS, ArgumentParser

import uvloop
from pydantic import ValidationError

from service import __version__
from service.access import make_key
from service.app import serve_gateway, serve_model
from service.observability.logs import configure_logs
from service.servers import Heritage
from service.settings import Settings, load_settings
from service.settings.faults import describe_fault
from service.startup import CannotStartError
from service.workers import become_worker, serve_worker, serve_workers

_HELP = (
    "Serve the model over HTTP (port 8000) and gRPC (port 8001) until SIGTERM or SIGINT. Settings are DIGITCODEC_* "
    "environment variables, for example DIGITCODEC_HTTP__PORT=9000; docs/settings.md lists them. Log lines go to "
    "standard output; what keeps the service from starting goes to standard error."
)
_COMMANDS_HELP = (
    "gateway: every door (the default); model-server: TensorFlow Serving's API alone, on ports 8500 and 8501; "
    "key: make a key for a caller"
)


def main() -> int:
    """Serve until told to stop.

    Returns:
        0 after a clean stop; 2 if the service could not be started as configured; 1 if its workers kept dying.
    """
    parser = ArgumentParser(prog="python -m service", description=_HELP)
    parser.add_argument(
        "command", nargs="?", choices=("gateway", "model-server", "key"), default="gateway", help=_COMMANDS_HELP
    )
    parser.add_argument("name", nargs="?", help="key: what log and metrics are to call the caller")
    parser.add_argument("--version", action="version", version=f"digitcodec {__version__}")
    # What the first process of several starts the others with.
    parser.add_argument("--worker", type=Heritage.from_argument, help=SUPPRESS)
    arguments = parser.parse_args()
    if (arguments.command == "key") != (arguments.name is not None):
        parser.error("a name goes with the command key, and with no other: python -m service key NAME")
    # TensorFlow's C++ prints notices to the terminal at import; errors still come through.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        return _print_key(arguments.name) if arguments.name else _run(arguments.command, arguments.worker)
    except ValidationError as error:
        print("\n".join(f"digitcodec: {describe_fault(fault)}" for fault in error.errors()), file=sys.stderr)
    except CannotStartError as error:
        print(f"digitcodec: {error}", file=sys.stderr)
    return 2


def _print_key(name: str) -> int:
    """Print what goes into the file, so that it can be appended there, and apart from it the key itself."""
    secret, lines = make_key(name)
    print(lines, end="")
    print(f"the key of {name}, to be seen only now: {secret}", file=sys.stderr)
    return 0


def _run(command: str, heritage: Heritage | None) -> int:
    settings = load_settings()
    configure_logs(settings.observability)
    status: int = uvloop.run(_serve(command, settings, heritage))
    return status


async def _serve(command: str, settings: Settings, heritage: Heritage | None) -> int:
    """Do what was asked for; returns the exit status."""
    if heritage is not None:
        become_worker(heritage)
        await serve_worker(settings, heritage)
    elif command == "model-server":
        await serve_model(settings)
    elif settings.http.workers > 1:
        return await serve_workers(settings)
    else:
        await serve_gateway(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
