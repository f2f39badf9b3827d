"""What can be asked for, and that nothing is wrong with how it is asked."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, get_args

import pytest

from service.cli import command, images_command
from service.cli.flags import DEFAULT_THRESHOLD, build_parser
from service.client.asks import DEFAULT_THRESHOLD as CLIENTS_THRESHOLD
from service.images import Preprocess
from service.settings import LimitSettings


def list_commands() -> dict[str, Any]:
    """The parser of each command."""
    (choices,) = [action.choices for action in vars(build_parser())["_actions"] if isinstance(action.choices, dict)]
    return choices


def test_defaults_are_the_services() -> None:
    """The flags are read before anything of the service is imported, so they have them twice."""
    options = build_parser().parse_args(["score", "x"])
    actions = vars(list_commands()["score"])["_actions"]
    (choices,) = [action.choices for action in actions if action.dest == "preprocess"]

    assert CLIENTS_THRESHOLD == DEFAULT_THRESHOLD == options.threshold
    assert get_args(Preprocess) == choices
    assert LimitSettings().max_image_pixels == images_command._MAX_PIXELS  # noqa: SLF001 - the bound is nobody else's


def find_modules() -> Iterator[tuple[str, str]]:
    """The function behind each command."""
    for name in list_commands():
        module = vars(command)["_APART"].get(name) or vars(command)["_COMMANDS"][name]
        yield module, "main" if name in vars(command)["_APART"] else "run"


@pytest.mark.parametrize(("module", "function"), sorted(set(find_modules())))
def test_every_command_has_its_module(module: str, function: str) -> None:
    """With the function that is called."""
    assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["score"],
        ["score", "x", "--threshold", "2"],
        ["score", "x", "--batch-rows", "0"],
        ["score", "x", "--timeout-s", "nan"],
        ["score", "x", "--version", "1", "--label", "stable"],
        ["encode", "x", "--threshold", "0.5"],
        ["encode", "x", "--preprocess", "maybe"],
        ["key"],
        ["completion", "tcsh"],
    ],
)
def test_wrong_arguments_end_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The parser tells what is wrong."""
    with pytest.raises(SystemExit) as end:
        command.main(arguments)

    assert 2 == end.value.code
    assert ": error: " in capsys.readouterr().err


def test_no_command_means_serve() -> None:
    """As containers start it."""
    assert build_parser().parse_args([]).command is None
    assert "service.cli.serving" == vars(command)["_COMMANDS"][None]


def test_key_prints_the_file_and_the_secret_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """So that the file can be appended to, and the key is seen once."""
    status = command.main(["key", "shop-a"])
    printed = capsys.readouterr()

    assert 0 == status
    assert printed.out.startswith("[keys.shop-a]\n")
    assert "the key of shop-a, to be seen only now: digitcodec_" in printed.err
