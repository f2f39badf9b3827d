"""Everything that a call of the client can end with, and which of it another try may mend.

ClientError
|-- RefusedError                 the service said no; one class for each of its reasons
|   |-- MalformedRequestError    a parameter has a value that it cannot have, or nothing came
|   |-- UnauthenticatedError     no known key came
|   |-- NotFoundError            no such model, version or label
|   |-- MethodNotAllowedError    the address is not that of a digitcodec
|   |-- TooLargeError            one image alone is more than the limits allow
|   |-- UnsupportedMediaError    a format that the service does not read
|   |-- InvalidImageError        no 28x28 digit image
|   |-- InvalidCodeError         no code of this model
|   |-- OverloadedError          the queue is full, or the caller's share of it
|   |   `-- RateLimitedError     the caller sends more rows than it may
|   |-- NotReadyError            loading, draining, or the backend is away
|   |-- DeadlineExceededError    the time was up, there or here
|   |-- BackendError             the model failed
|   |   `-- BackendContractError the model answered with something else than promised
|   `-- InternalError            a mistake of the service
|-- UnreachableError             no answer: the connection could not be made, or broke
`-- UnexpectedAnswerError        an answer that is none of digitcodec's: a proxy's page, or a broken one
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Place:
    """One faulty place in a request.

    Attributes:
        pointer: Where: `/images/3` is the fourth image of the request; empty for all of it.
        detail: What is wrong there.
    """

    pointer: str
    detail: str


class ClientError(Exception):
    """Base of all errors of a call.

    Attributes:
        reason: The word for what happened, for programs to decide by: the service's, or the nearest to what a proxy or
            gRPC said for it; empty if nobody said anything.
        detail: For people: what happened.
        request_id: The id under which the service's log has the request.
        errors: Up to 16 faulty places, counted within the request that failed.
        retry_after_s: Seconds after which another try will do, where the service says so.
        rows: Which rows of the call the failed request held, (first, one behind the last); None if it had none.
    """

    reason: str = ""
    may_retry: ClassVar[bool] = False
    """True where another try a little later is safe and may succeed."""

    def __init__(
        self,
        detail: str,
        *,
        reason: str | None = None,
        request_id: str = "",
        errors: tuple[Place, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.request_id = request_id
        self.errors = errors
        self.retry_after_s = retry_after_s
        self.rows: tuple[int, int] | None = None
        if reason is not None:
            self.reason = reason

    def __str__(self) -> str:
        about = [self.reason, f"request {self.request_id}" if self.request_id else "", self._name_rows()]
        known = ", ".join(part for part in about if part)
        return f"{self.detail} ({known})" if known else self.detail

    def _name_rows(self) -> str:
        return f"rows {self.rows[0]} to {self.rows[1] - 1}" if self.rows else ""


class RefusedError(ClientError):
    """The service said no; this class itself for a reason that the client does not know."""


class MalformedRequestError(RefusedError):
    """A parameter has a value that it cannot have, or nothing came."""

    reason = "malformed_request"


class UnauthenticatedError(RefusedError):
    """No known key came."""

    reason = "unauthenticated"


class NotFoundError(RefusedError):
    """No such model, version or label."""

    reason = "not_found"


class MethodNotAllowedError(RefusedError):
    """The route does not have the method: the address is not that of a digitcodec."""

    reason = "method_not_allowed"


class TooLargeError(RefusedError):
    """One image or code alone is more than the limits allow; larger requests are halved before that."""

    reason = "too_large"


class UnsupportedMediaError(RefusedError):
    """A format that the service does not read."""

    reason = "unsupported_media"


class InvalidImageError(RefusedError):
    """No 28x28 digit image."""

    reason = "invalid_image"


class InvalidCodeError(RefusedError):
    """No code of this model."""

    reason = "invalid_code"


class OverloadedError(RefusedError):
    """The queue is full, or the caller's share of it."""

    reason = "overloaded"
    may_retry = True


class RateLimitedError(OverloadedError):
    """The caller sends more rows than it may."""

    reason = "rate_limited"


class NotReadyError(RefusedError):
    """Loading, draining, or the backend is away."""

    reason = "not_ready"
    may_retry = True


class DeadlineExceededError(RefusedError):
    """The time of the request was up, at the service or here."""

    reason = "deadline_exceeded"


class BackendError(RefusedError):
    """The model failed at the batch of this request."""

    reason = "backend_failed"


class BackendContractError(BackendError):
    """The model answered with something else than promised."""

    reason = "backend_contract"


class InternalError(RefusedError):
    """A mistake of the service; its log has it under the request id."""

    reason = "internal"


class UnreachableError(ClientError):
    """No answer came: the connection could not be made, or broke. To send a call twice does no harm."""

    may_retry = True


class UnexpectedAnswerError(ClientError):
    """What came is no answer of a digitcodec: a proxy's page, another service, or a broken answer."""


def _walk(kind: type[RefusedError]) -> Iterator[type[RefusedError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _walk(below)


_BY_REASON = {kind.reason: kind for kind in _walk(RefusedError) if kind.reason}


def find_refusal(reason: str) -> type[RefusedError]:
    """The class of a reason; RefusedError for one that is not known here."""
    return _BY_REASON.get(reason, RefusedError)
