"""`python -m service`: read the settings, serve, and say in one line what is wrong with them."""

import os
import sys
from argparse import ArgumentParser

import uvloop
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.app import serve
from service.backends.embedded.backend import MissingTensorFlowError
from service.observability.logs import configure_logs
from service.server import CannotListenError
from service.settings import PREFIX, UnreadableSettingError, load_settings

_HELP = (
    "Serve the model over HTTP until SIGTERM or SIGINT. There are no options: settings are DIGITCODEC_* environment "
    "variables, for example DIGITCODEC_HTTP__PORT=9000; docs/settings.md lists them."
)


def main() -> int:
    """Serve until told to stop; 0 after a clean stop, 2 if the service could not be started as configured."""
    # Ends here for --help, and with status 2 for anything else: settings are environment variables.
    ArgumentParser(prog="python -m service", description=_HELP).parse_args()
    # TensorFlow's C++ prints notices to the terminal at import; errors still come through.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        settings = load_settings()
        configure_logs(settings.observability)
        uvloop.run(serve(settings))
    except ValidationError as error:
        print("\n".join(f"digitcodec: {_describe(fault)}" for fault in error.errors()), file=sys.stderr)
        return 2
    except (UnreadableSettingError, MissingTensorFlowError, CannotListenError) as error:
        print(f"digitcodec: {error}", file=sys.stderr)
        return 2
    return 0


def _describe(fault: ErrorDetails) -> str:
    """One faulty setting in a line; a fault of several settings together names them itself."""
    if not fault["loc"]:
        return fault["msg"].removeprefix("Value error, ")
    variable = PREFIX + "__".join(str(part).upper() for part in fault["loc"])
    return f"{variable}: {fault['msg']}, got {fault['input']!r}"


if __name__ == "__main__":
    sys.exit(main())
