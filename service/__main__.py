"""`python -m service [gateway|model-server]`: read the settings, serve, and say in one line what is wrong with them."""

import os

# gRPC reads it once, at its import: its core writes notices to the terminal past every logger.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import sys
from argparse import ArgumentParser

import uvloop
from pydantic import ValidationError

from service import __version__
from service.app import serve_gateway, serve_model
from service.backends.embedded.backend import MissingTensorFlowError
from service.backends.tfserving import UnusableCertificateError
from service.observability.logs import configure_logs
from service.servers import CannotListenError
from service.settings import UnreadableSettingError, load_settings
from service.settings.faults import describe_fault

_HELP = (
    "Serve the model over HTTP (port 8000) and gRPC (port 8001) until SIGTERM or SIGINT. Settings are DIGITCODEC_* "
    "environment variables, for example DIGITCODEC_HTTP__PORT=9000; docs/settings.md lists them. Log lines go to "
    "standard output; what keeps the service from starting goes to standard error."
)
_COMMANDS = {"gateway": serve_gateway, "model-server": serve_model}


def main() -> int:
    """Serve until told to stop; 0 after a clean stop, 2 if the service could not be started as configured."""
    parser = ArgumentParser(prog="python -m service", description=_HELP)
    parser.add_argument(
        "command",
        nargs="?",
        choices=_COMMANDS,
        default="gateway",
        help="gateway: every door (the default); model-server: TensorFlow Serving's API alone, on ports 8500 and 8501",
    )
    parser.add_argument("--version", action="version", version=f"digitcodec {__version__}")
    command = _COMMANDS[parser.parse_args().command]
    # TensorFlow's C++ prints notices to the terminal at import; errors still come through.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        settings = load_settings()
        configure_logs(settings.observability)
        uvloop.run(command(settings))
    except ValidationError as error:
        print("\n".join(f"digitcodec: {describe_fault(fault)}" for fault in error.errors()), file=sys.stderr)
        return 2
    except (UnreadableSettingError, MissingTensorFlowError, UnusableCertificateError, CannotListenError) as error:
        print(f"digitcodec: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
