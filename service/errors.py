"""Everything that can go wrong with a request, named by what happened; knows no transport.

DigitCodecError
|-- MalformedRequestError      the body or a parameter cannot be parsed
|-- UnauthenticatedError       no valid key came with the request
|-- NotFoundError              no such model, version, label or route
|-- PayloadTooLargeError       more bytes or rows than the limits allow
|-- UnsupportedMediaError      a body or answer format we do not speak
|-- InvalidImageError          parsed, but not a 28x28 digit image
|-- InvalidCodeError           parsed, but not a code of this model
|-- OverloadedError            the queue is full, or what one caller may have of it
|   `-- RateLimitedError       the caller sends more than it may
|-- NotReadyError              loading, draining, or the backend is away
|-- DeadlineExceededError      the caller's time is up
|-- BackendError               the backend failed at a batch
|   `-- BackendContractError   the backend answered, but not what contract one promises

Each protocol has one table of what these become: service/api/http/problems.py, service/api/grpc/status.py,
service/api/inference/rest_failures.py and service/api/tfserving/status.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True)
class Fault:
    """One faulty place in a request.

    Attributes:
        pointer: RFC 6901 JSON pointer to the place, for example `/images/3`; empty for the whole body.
        detail: What is wrong there: what came, then what was expected.
    """

    pointer: str
    detail: str


class DigitCodecError(Exception):
    """Base of every error that a caller may see; its text is safe to show."""

    reason = "internal"
    retry_after_s: float | None = None

    def __init__(self, detail: str, *, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = faults


class MalformedRequestError(DigitCodecError):
    """The body or a parameter cannot be parsed."""

    reason = "malformed_request"


class UnauthenticatedError(DigitCodecError):
    """No valid key came with the request."""

    reason = "unauthenticated"


class NotFoundError(DigitCodecError):
    """No such model, version, label or route."""

    reason = "not_found"


class PayloadTooLargeError(DigitCodecError):
    """More bytes or rows than the limits allow; the caller may split the request."""

    reason = "too_large"


class UnsupportedMediaError(DigitCodecError):
    """A body or answer format that the service does not speak."""

    reason = "unsupported_media"


class InvalidImageError(DigitCodecError):
    """The body was understood, but holds no 28x28 digit image."""

    reason = "invalid_image"


class InvalidCodeError(DigitCodecError):
    """The body was understood, but holds no code of this model."""

    reason = "invalid_code"


class OverloadedError(DigitCodecError):
    """The queue is full; the caller should back off."""

    reason = "overloaded"
    retry_after_s = 1.0


class RateLimitedError(OverloadedError):
    """The caller sends more than it may; the service itself has room."""

    reason = "rate_limited"


class NotReadyError(DigitCodecError):
    """Loading, draining, or the backend is away; another try will do."""

    reason = "not_ready"
    retry_after_s = 1.0


class DeadlineExceededError(DigitCodecError):
    """The time that the caller gave was up before an answer was there."""

    reason = "deadline_exceeded"


class BackendError(DigitCodecError):
    """The backend failed at the batch that held this request."""

    reason = "backend_failed"


class BackendContractError(BackendError):
    """The backend answered with something else than contract one promises."""

    reason = "backend_contract"


def find_by_class(table: Mapping[type[DigitCodecError], _Entry], error: DigitCodecError) -> _Entry:
    """The entry of a protocol's table for an error: that of its class, or of the nearest base class that has one."""
    return next(table[kind] for kind in type(error).__mro__ if kind in table)


def hide_unknown(error: Exception) -> DigitCodecError:
    """An error that callers may see; the text of an unknown exception stays in the log."""
    if isinstance(error, DigitCodecError):
        return error
    return DigitCodecError("an unexpected failure; the log holds the cause under the request id")
