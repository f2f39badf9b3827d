"""The one table from errors to HTTP: status, title and the RFC 9457 document; decides nothing else."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

import orjson

from service.api.http.answers import Header, HttpAnswer
from service.errors import (
    BackendContractError,
    BackendError,
    DeadlineExceededError,
    DigitCodecError,
    Fault,
    InvalidCodeError,
    InvalidImageError,
    MalformedRequestError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
    PayloadTooLargeError,
    RateLimitedError,
    UnauthenticatedError,
    UnsupportedMediaError,
    find_by_class,
)

PROBLEM_JSON = "application/problem+json"

# The reference page describes each reason under this anchor, so that `type` leads a reader there.
_TYPE_PREFIX = "/docs#problem-"


class NotAcceptableError(UnsupportedMediaError):
    """No format of the Accept header can be answered; the body itself was fine (RFC 9110, 15.5.7)."""


class MethodNotAllowedError(DigitCodecError):
    """The route exists, but not for this method.

    Attributes:
        allow: The methods that it has, as the Allow header lists them.
    """

    reason = "method_not_allowed"

    def __init__(self, detail: str, *, allow: str) -> None:
        super().__init__(detail)
        self.allow = allow


@dataclass(frozen=True, slots=True)
class Problem:
    """How one kind of error leaves by this door.

    Attributes:
        status: The HTTP status code.
        title: The same short sentence for every error of the kind.
    """

    status: int
    title: str


PROBLEMS: Mapping[type[DigitCodecError], Problem] = MappingProxyType(
    {
        MalformedRequestError: Problem(400, "The request cannot be parsed"),
        UnauthenticatedError: Problem(401, "A valid key is missing"),
        NotFoundError: Problem(404, "There is no such thing here"),
        MethodNotAllowedError: Problem(405, "The route does not have this method"),
        NotAcceptableError: Problem(406, "The answer has none of the accepted formats"),
        PayloadTooLargeError: Problem(413, "The request is too large"),
        UnsupportedMediaError: Problem(415, "The format of the body is not supported"),
        InvalidImageError: Problem(422, "The body holds no valid digit images"),
        InvalidCodeError: Problem(422, "The body holds no valid codes"),
        OverloadedError: Problem(429, "Too many requests wait already"),
        RateLimitedError: Problem(429, "The caller sends more than it may"),
        BackendError: Problem(502, "The model failed at this request"),
        BackendContractError: Problem(502, "The model broke its contract"),
        NotReadyError: Problem(503, "The service cannot answer now"),
        DeadlineExceededError: Problem(504, "The time for this request is up"),
        DigitCodecError: Problem(500, "The service failed"),
    }
)


def render_problem(error: DigitCodecError, *, request_id: bytes, instance: str) -> HttpAnswer:
    """The RFC 9457 answer to a failed request.

    Args:
        error: What happened.
        request_id: The id of the request, ASCII.
        instance: The path that was asked for.
    """
    problem = find_by_class(PROBLEMS, error)
    document = {
        "type": _TYPE_PREFIX + error.reason,
        "title": problem.title,
        "status": problem.status,
        "detail": error.detail,
        "instance": quote(instance),
        "reason": error.reason,
        "request_id": request_id.decode("ascii"),
        "errors": [_render_fault(fault) for fault in error.faults],
    }
    headers = ((b"content-type", PROBLEM_JSON.encode()), *find_headers(error))
    return HttpAnswer(problem.status, headers, orjson.dumps(document))


def find_headers(error: DigitCodecError) -> tuple[Header, ...]:
    """The headers that tell a caller what else to do, whatever protocol the body speaks."""
    if isinstance(error, MethodNotAllowedError):
        return ((b"allow", error.allow.encode("latin-1")),)
    if isinstance(error, UnauthenticatedError):
        return ((b"www-authenticate", b"Bearer"),)
    if error.retry_after_s is not None:
        # The header takes whole seconds; zero would invite a caller back at once.
        return ((b"retry-after", b"%d" % max(1, math.ceil(error.retry_after_s))),)
    return ()


def _render_fault(fault: Fault) -> dict[str, str]:
    return {"pointer": fault.pointer, "detail": fault.detail}
