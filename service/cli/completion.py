"""`digitcodec completion SHELL`: a script made of the flags, so that it cannot lag behind them."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from service.cli.errors import OK, UsageError
from service.cli.flags import build_parser

# Arguments that name files, by what they are called.
_FILES = frozenset({"inputs", "output", "key_file", "ca_file", "cert", "models"})


def run(options: Namespace) -> int:
    """Print the script of a shell.

    Raises:
        UsageError: If shtab, which makes it, is not installed.
    """
    sys.stdout.write(render_script(build_parser(), options.shell))
    return OK


def render_script(parser: ArgumentParser, shell: str) -> str:
    """The script that completes the commands of a parser in a shell.

    Raises:
        UsageError: If shtab is not installed.
    """
    if find_spec("shtab") is None:
        raise UsageError("shtab is not installed: pip install 'digitcodec[client]'")
    import shtab

    for action in _list_actions(parser):
        if action.dest in _FILES:
            action.complete = shtab.FILE
    script: str = shtab.complete(parser, shell)
    return f"{script.rstrip()}\n"


def _list_actions(parser: ArgumentParser) -> Iterator[Any]:
    """Those of a parser and of its commands; argparse has them only privately."""
    for action in vars(parser)["_actions"]:
        yield action
        if isinstance(action.choices, dict):
            for below in action.choices.values():
                yield from _list_actions(below)
