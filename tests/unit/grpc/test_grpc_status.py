"""The one table from errors to gRPC: complete, and what design.md says."""

import re
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status

from service.api.grpc.status import CODES, render_status
from service.errors import (
    BackendContractError,
    DigitCodecError,
    Fault,
    InvalidImageError,
    NotReadyError,
    RateLimitedError,
    find_by_class,
)


def subclasses(kind: type[DigitCodecError]) -> set[type[DigitCodecError]]:
    """All classes below, however deep, that every door shares."""
    found = {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))
    return {each for each in found if each.__module__ == "service.errors"}


def name_fields(error: DigitCodecError) -> list[str]:
    """The fields that the status of an error complains of."""
    status, found = Status.FromString(render_status(error).info), BadRequest()
    assert status.details[1].Unpack(found)
    return [violation.field for violation in found.field_violations]


def test_every_error_has_a_code() -> None:
    """A new error class must be given one, or share that of its base on purpose."""
    assert CODES.keys() | {BackendContractError, RateLimitedError} == subclasses(DigitCodecError)


def test_subclass_takes_the_code_of_its_base() -> None:
    """A broken contract is a failure of the model."""
    assert "INTERNAL" == find_by_class(CODES, BackendContractError("odd")).name


@pytest.mark.parametrize(
    ("character", "kept"), [("x", 1024), ("%", 341), ("\n", 341), ("é", 170), ("数", 113), ("🂡", 85)]
)
def test_long_texts_are_cut(character: str, kept: int) -> None:
    """Metadata is bounded by clients: a longer status would reach nobody, and most characters take several bytes."""
    text = character * 100_000
    faults = tuple(Fault(f"/{text}/{row}", text) for row in range(16))
    status = render_status(NotReadyError(text, faults=faults))

    assert character * kept == status.detail
    assert len(quote(status.detail, safe="")) <= 1024
    assert len(status.info) < 4096
    assert len(quote(status.detail, safe="")) + len(b64encode(status.info)) < 6500


def test_as_many_faults_are_named_as_there_is_room_for() -> None:
    """All of the usual ones, or the first."""
    usual = tuple(Fault(f"/images/{row}", "5x28 pixels came, expected 28x28") for row in range(16))
    long = tuple(Fault(f"/images/{row}", "x" * 150) for row in range(16))

    assert [f"images[{row}]" for row in range(16)] == name_fields(InvalidImageError("x", faults=usual))
    assert [f"images[{row}]" for row in range(15)] == name_fields(InvalidImageError("x", faults=long))


def test_reference_names_every_reason_and_code() -> None:
    """docs/grpc.md has one row for each error that this door may give."""
    text = (Path(__file__).parents[3] / "docs" / "grpc.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(\w+)` \| `(\w+)`", text, re.MULTILINE))
    errors = subclasses(DigitCodecError)

    assert {(kind.reason, find_by_class(CODES, kind("x")).name) for kind in errors} == rows
