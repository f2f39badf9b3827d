"""`python -m service [gateway|model-server]`: read the settings, serve, and say in one line what is wrong with them."""

import os
import sys
from argparse import ArgumentParser

import uvloop
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.app import serve_gateway, serve_model
from service.backends.embedded.backend import MissingTensorFlowError
from service.backends.tfserving import UnusableCertificateError
from service.observability.logs import configure_logs
from service.servers import CannotListenError
from service.settings import PREFIX, UnreadableSettingError, load_settings

_HELP = (
    "Serve the model over HTTP and gRPC until SIGTERM or SIGINT. Settings are DIGITCODEC_* environment variables, for "
    "example DIGITCODEC_HTTP__PORT=9000; docs/settings.md lists them."
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
    command = _COMMANDS[parser.parse_args().command]
    # TensorFlow's C++ prints notices to the terminal at import; errors still come through.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        settings = load_settings()
        configure_logs(settings.observability)
        uvloop.run(command(settings))
    except ValidationError as error:
        print("\n".join(f"digitcodec: {_describe(fault)}" for fault in error.errors()), file=sys.stderr)
        return 2
    except (UnreadableSettingError, MissingTensorFlowError, UnusableCertificateError, CannotListenError) as error:
        print(f"digitcodec: {error}", file=sys.stderr)
        return 2
    return 0


def _describe(fault: ErrorDetails) -> str:
    """One faulty setting in a line; a fault of several settings together names them itself."""
    if not fault["loc"]:
        return fault["msg"].removeprefix("Value error, ")
    # The kind of the backend stands in the place of the fault, but not in the variable's name.
    parts = [part for place, part in enumerate(fault["loc"]) if (place, fault["loc"][0]) != (1, "backend")]
    variable = PREFIX + "__".join(str(part).upper() for part in parts)
    return f"{variable}: {fault['msg']}, got {fault['input']!r}"


if __name__ == "__main__":
    sys.exit(main())
