"""The one table from errors to gRPC: complete, and what design.md says."""

import re
from pathlib import Path

from service.api.grpc.status import CODES, render_status
from service.errors import BackendContractError, DigitCodecError, InvalidImageError, find_by_class


def subclasses(kind: type[DigitCodecError]) -> set[type[DigitCodecError]]:
    """All classes below, however deep, that every door shares."""
    found = {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))
    return {each for each in found if each.__module__ == "service.errors"}


def test_every_error_has_a_code() -> None:
    """A new error class must be given one, or share that of its base on purpose."""
    assert CODES.keys() | {BackendContractError} == subclasses(DigitCodecError)


def test_subclass_takes_the_code_of_its_base() -> None:
    """A broken contract is a failure of the model."""
    assert "INTERNAL" == find_by_class(CODES, BackendContractError("odd")).name


def test_long_texts_are_cut() -> None:
    """Metadata is bounded by clients; a longer status would reach nobody."""
    status = render_status(InvalidImageError("x" * 100_000))

    assert 1000 == len(status.detail)
    assert len(status.info) < 2000


def test_reference_names_every_reason_and_code() -> None:
    """docs/grpc.md has one row for each error that this door may give."""
    text = (Path(__file__).parents[3] / "docs" / "grpc.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(\w+)` \| `(\w+)`", text, re.MULTILINE))
    errors = subclasses(DigitCodecError)

    assert {(kind.reason, find_by_class(CODES, kind("x")).name) for kind in errors} == rows
