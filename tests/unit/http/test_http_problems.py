"""The one error table: complete, and nothing that is not meant for callers gets through it."""

import json
import re
from pathlib import Path

import pytest

from service.api.http.problems import PROBLEMS, render_problem
from service.errors import BackendError, DigitCodecError, NotReadyError, OverloadedError, find_by_class, hide_unknown


def subclasses(kind: type[DigitCodecError]) -> set[type[DigitCodecError]]:
    """All classes below, however deep."""
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


def test_every_error_has_an_entry_of_its_own() -> None:
    """A new error class must be given a status and a title."""
    defined = {
        kind
        for kind in subclasses(DigitCodecError)
        if kind.__module__ in {"service.errors", "service.api.http.problems"}
    }

    assert defined == PROBLEMS.keys()


def test_table_says_what_the_design_says() -> None:
    """Reason and status of each error that all doors share."""
    shared = {kind.reason: problem.status for kind, problem in PROBLEMS.items() if problem.status != 406}

    assert {
        "malformed_request": 400,
        "unauthenticated": 401,
        "not_found": 404,
        "method_not_allowed": 405,
        "too_large": 413,
        "unsupported_media": 415,
        "invalid_image": 422,
        "invalid_code": 422,
        "overloaded": 429,
        "rate_limited": 429,
        "internal": 500,
        "backend_failed": 502,
        "backend_contract": 502,
        "not_ready": 503,
        "deadline_exceeded": 504,
    } == shared


def test_subclass_without_entry_takes_that_of_its_base() -> None:
    """The look-up goes along the MRO."""

    class OddError(BackendError):
        """A backend's own kind of failure."""

    assert PROBLEMS[BackendError] == find_by_class(PROBLEMS, OddError("odd"))


def test_unknown_exception_is_hidden() -> None:
    """Its text stays out of the answer."""
    assert "1234" not in hide_unknown(ValueError("the secret is 1234")).detail


@pytest.mark.parametrize(("seconds", "expected"), [(0.1, b"1"), (1.0, b"1"), (2.2, b"3")])
def test_retry_after_is_in_whole_seconds(seconds: float, expected: bytes) -> None:
    """Rounded up, and never zero."""
    error = OverloadedError("full")
    error.retry_after_s = seconds

    assert expected == dict(render_problem(error, request_id=b"1", instance="/").headers)[b"retry-after"]


def test_instance_is_a_uri_reference() -> None:
    """A path with strange characters is escaped as RFC 3986 has it."""
    document = json.loads(render_problem(NotReadyError("no"), request_id=b"1", instance="/ü x").body)

    assert "/%C3%BC%20x" == document["instance"]


def test_reference_document_names_every_reason_and_status() -> None:
    """docs/http.md has one row for each entry of the table."""
    text = (Path(__file__).parents[3] / "docs" / "http.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(\w+)` \| (\d+)", text, re.MULTILINE))

    assert {(kind.reason, str(problem.status)) for kind, problem in PROBLEMS.items()} == rows
