"""What holds of the client as a whole: it knows every reason, and both halves are alike."""

import inspect
import re
from pathlib import Path

from service import errors as core
from service.client import AsyncClient, Client, RefusedError
from service.client.errors import find_refusal

REPOSITORY = Path(__file__).resolve().parents[3]


def list_reasons(kind: type[core.DigitCodecError]) -> set[str]:
    """The reasons of an error of the core and of all below it; doors may have errors of their own."""
    below = [each for each in kind.__subclasses__() if each.__module__ == core.__name__]
    return {kind.reason}.union(*map(list_reasons, below))


def test_every_reason_has_a_class() -> None:
    """Also those of the table in docs/http.md."""
    table = (REPOSITORY / "docs/http.md").read_text().partition("| reason | status |")[2]
    documented = set(re.findall(r"^\| `(\w+)` \| \d", table, re.MULTILINE))
    reasons = list_reasons(core.DigitCodecError) | documented

    assert len(documented) >= 14
    assert {} == {reason: kind for reason in reasons if (kind := find_refusal(reason)) is RefusedError}
    assert {reason: reason for reason in reasons} == {reason: find_refusal(reason).reason for reason in reasons}


def test_both_clients_have_the_same_methods() -> None:
    """With the same arguments."""
    sync, other = (
        {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(client, inspect.isfunction)
            if not name.startswith("_") or name == "__init__"
        }
        for client in (Client, AsyncClient)
    )

    assert sync == other


def test_types_are_marked_as_there() -> None:
    """So that type checkers of other projects read them."""
    assert (REPOSITORY / "service/py.typed").exists()
