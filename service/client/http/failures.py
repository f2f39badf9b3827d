"""HTTP replies that are no answers, and replies that never came, as errors."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from service.client.errors import (
    ClientError,
    OverloadedError,
    Place,
    UnexpectedAnswerError,
    UnreachableError,
    find_refusal,
)

_PROBLEM = "application/problem+json"

Headers = Mapping[str, str]
"""By name, whose case does not matter."""


def read_failure(status: int, headers: Headers, body: bytes) -> ClientError:
    """What a reply with another status than 200 says."""
    retry_after_s = _read_retry_after(headers.get("retry-after"))
    problem = _read_problem(headers, body)
    if problem is None:
        return _name_stranger(status, headers, retry_after_s)
    return find_refusal(problem["reason"])(
        str(problem.get("detail", "")),
        reason=problem["reason"],
        request_id=str(problem.get("request_id", "")),
        errors=tuple(_read_places(problem.get("errors"))),
        retry_after_s=retry_after_s,
    )


def _read_problem(headers: Headers, body: bytes) -> dict[str, Any] | None:
    """The problem document, if it is one of ours."""
    if not headers.get("content-type", "").startswith(_PROBLEM):
        return None
    try:
        problem = json.loads(body)
    except ValueError:
        return None
    return problem if isinstance(problem, dict) and isinstance(problem.get("reason"), str) else None


def _read_places(places: Any) -> Iterator[Place]:
    for place in places if isinstance(places, list) else ():
        if isinstance(place, dict):
            yield Place(str(place.get("pointer", "")), str(place.get("detail", "")))


def _name_stranger(status: int, headers: Headers, retry_after_s: float | None) -> ClientError:
    """What a reply means that is no document of ours: a proxy's, most likely."""
    detail = f"status {status} came without a problem document, from {headers.get('server', 'an unknown server')}"
    if status == 429:
        return OverloadedError(detail, retry_after_s=retry_after_s)
    if status in {502, 503}:
        return UnreachableError(detail, retry_after_s=retry_after_s)
    return UnexpectedAnswerError(detail)


def _read_retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header, which has a number or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
