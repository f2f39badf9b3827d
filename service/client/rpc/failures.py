"""Calls that failed, as errors: the service's details, or what gRPC says by itself."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from service.client.errors import (
    ClientError,
    DeadlineExceededError,
    OverloadedError,
    Place,
    TooLargeError,
    UnauthenticatedError,
    UnexpectedAnswerError,
    UnreachableError,
    find_refusal,
)

_DOMAIN = "digitcodec"
_DETAILS_KEY = "grpc-status-details-bin"
_REQUEST_ID_KEY = "x-request-id"
_INDEX = re.compile(r"\[(\d+)\]")


def read_failure(
    code: grpc.StatusCode, detail: str, metadata: Iterable[tuple[str, str | bytes]], request_id: str
) -> ClientError:
    """What a call ended with.

    Args:
        code: Its status.
        detail: What comes with that.
        metadata: Its trailing metadata.
        request_id: The id that the request went out with.
    """
    found = dict(metadata)
    named = found.get(_REQUEST_ID_KEY, request_id)
    details = _read_details(found.get(_DETAILS_KEY))
    kind = find_refusal(details.reason) if details.reason else _name_stranger(code, detail)
    return kind(
        detail or code.name,
        reason=details.reason or None,
        request_id=named if isinstance(named, str) else named.decode("latin-1"),
        errors=details.places,
        retry_after_s=details.retry_after_s,
    )


@dataclass(slots=True)
class _Details:
    """The details for programs of a failed call; empty where they are not the service's own.

    Attributes:
        reason: The service's word.
        places: What is at fault.
        retry_after_s: When another try will do, or None.
    """

    reason: str = ""
    places: tuple[Place, ...] = ()
    retry_after_s: float | None = None


def _read_details(packed: str | bytes | None) -> _Details:
    details = _Details()
    for part in _unpack(packed):
        info, bad, retry = ErrorInfo(), BadRequest(), RetryInfo()
        if part.Unpack(info) and info.domain == _DOMAIN:
            details.reason = info.reason
        elif part.Unpack(bad):
            details.places = tuple(Place(_read_path(each.field), each.description) for each in bad.field_violations)
        elif part.Unpack(retry):
            details.retry_after_s = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    return details


def _unpack(packed: str | bytes | None) -> Iterable[Any]:
    if not isinstance(packed, bytes):
        return ()
    try:
        details: Iterable[Any] = Status.FromString(packed).details
    except DecodeError:  # a proxy's; the status of the call says enough
        return ()
    return details


def _read_path(field: str) -> str:
    """How BadRequest names a place -> a JSON pointer: images[3][0] is /images/3/0."""
    return "/" + _INDEX.sub(r"/\1", field).replace(".", "/").lstrip("/") if field else ""


def _name_stranger(code: grpc.StatusCode, detail: str) -> type[ClientError]:
    """What a status means that came without the service's details: gRPC's own, or a proxy's."""
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "message larger than max" in detail.lower():
        return TooLargeError
    return _STRANGERS.get(code, UnexpectedAnswerError)


_STRANGERS: Mapping[grpc.StatusCode, type[ClientError]] = {
    grpc.StatusCode.UNAVAILABLE: UnreachableError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: OverloadedError,
    # The server ends calls so that waited too long before it saw them; docs/grpc.md.
    grpc.StatusCode.CANCELLED: OverloadedError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
}
