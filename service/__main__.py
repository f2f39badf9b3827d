"""`python -m service`: read the settings, serve, and say in one line what is wrong with them."""

import os
import sys

import uvloop
from pydantic import ValidationError

from service.app import CannotListenError, serve
from service.backends.embedded.backend import MissingTensorFlowError
from service.observability.logs import configure_logs
from service.settings import UnknownSettingError, load_settings


def main() -> int:
    """Serve until told to stop; 0 after a clean stop, 2 if the service could not be started as configured."""
    # TensorFlow's C++ prints notices to the terminal at import; errors still come through.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        settings = load_settings(os.environ)
        configure_logs(settings.observability)
        uvloop.run(serve(settings))
    except ValidationError as error:
        for fault in error.errors():
            print(
                f"digitcodec: {_variable(fault['loc'])}: {fault['msg']}, got {fault['input']!r}",
                file=sys.stderr,
            )
        return 2
    except (UnknownSettingError, MissingTensorFlowError, CannotListenError) as error:
        print(f"digitcodec: {error}", file=sys.stderr)
        return 2
    return 0


def _variable(location: tuple[int | str, ...]) -> str:
    return "DIGITCODEC_" + "__".join(str(part).upper() for part in location)


if __name__ == "__main__":
    sys.exit(main())
