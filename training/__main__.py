"""The trainer's command line: parses flags, prints results, turns errors into one line; decides nothing else."""

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from training.commands import code_map, compare, evaluate, fit, promote, recipes, study, survey
from training.errors import FitStoppedError, TrainerError

# In the order of the help.
COMMANDS = (recipes, survey, fit, evaluate, code_map, compare, promote, study)

FAILED = 2
# What a shell reports for a command that ended by Ctrl-C.
INTERRUPTED = 130
# The same for one that wrote to a reader who had left.
UNREAD = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0; 2 for an error that the user can mend; 130 after Ctrl-C; 141 without a reader.
    """
    options = build_parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("training").setLevel(logging.INFO)  # ours alone: TensorFlow has nothing to tell a user
    run: Callable[[argparse.Namespace], None] = options.run
    try:
        run(options)
        sys.stdout.flush()  # here, where a full disk is still an error of ours to tell
    except TrainerError as error:
        return _tell(error)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("training"):
            raise  # a defect of ours, no missing package
        return _fail(f"{error.name} is not installed; install the trainer with: pip install 'digitcodec[train]'")
    except BrokenPipeError:
        _drop_output()
        return UNREAD
    except OSError as error:
        _drop_output()
        return _fail(str(error))
    except KeyboardInterrupt:
        print("stopped; no half-written version is left", file=sys.stderr)
        return INTERRUPTED
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The flags of every command, with their defaults."""
    parser = argparse.ArgumentParser(prog="python -m training", description="Train, measure and publish digit codecs.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def _drop_output() -> None:
    """Let what could not be printed go nowhere, or Python would try again at its end and print a traceback."""
    # A stdout that is no file has nothing to try again.
    with contextlib.suppress(OSError), Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _tell(error: TrainerError) -> int:
    """Print what the user can mend, or what he asked for by Ctrl-C."""
    if not isinstance(error, FitStoppedError):
        return _fail(str(error))
    print(error, file=sys.stderr)
    return INTERRUPTED


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
