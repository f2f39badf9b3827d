"""`digitcodec`: finds the command, and turns what ends it early into lines and a status."""

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module

from service.cli.errors import INTERRUPTED, READER_GONE, CliError
from service.cli.flags import PROGRAM, build_parser

# The module whose `run` takes what was parsed.
_COMMANDS = {
    None: "service.cli.serving",
    "serve": "service.cli.serving",
    "gateway": "service.cli.serving",
    "model-server": "service.cli.serving",
    "key": "service.cli.keys",
    "encode": "service.cli.images_command",
    "reconstruct": "service.cli.images_command",
    "score": "service.cli.images_command",
    "decode": "service.cli.decode_command",
    "models": "service.cli.models_command",
    "doctor": "service.cli.doctor.command",
    "completion": "service.cli.completion",
}
# The same for commands with a parser of their own: `main` takes what comes behind the name.
_APART = {"bulk": "service.bulk.command"}


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments ask for.

    Returns:
        The status of the process: see `service.cli.errors`.
    """
    if arguments and arguments[0] in _APART:
        status: int = import_module(_APART[arguments[0]]).main(arguments[1:])
        return status
    return _run(build_parser().parse_args(arguments))


def _run(options: Namespace) -> int:
    try:
        status: int = import_module(_COMMANDS[options.command]).run(options)
        sys.stdout.flush()
    except CliError as error:
        return _tell(str(error), error.status)
    except KeyboardInterrupt:
        return _tell("stopped", INTERRUPTED)
    except BrokenPipeError:
        # As `| head` does. What is left in the buffer must go somewhere, or Python complains at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    return status


def _tell(message: str, status: int) -> int:
    sys.stderr.writelines(f"{PROGRAM}: {line}\n" for line in message.splitlines())
    return status
