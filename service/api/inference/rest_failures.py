"""The one table from errors to the REST door's answers; decides nothing else."""

from collections.abc import Mapping
from types import MappingProxyType

import orjson

from service.api.exchange import Exchange
from service.api.http.answers import JSON, HttpAnswer
from service.api.http.frame import HttpRequest
from service.api.http.problems import MethodNotAllowedError, find_headers
from service.errors import (
    BackendError,
    DeadlineExceededError,
    DigitCodecError,
    InvalidCodeError,
    InvalidImageError,
    MalformedRequestError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
    PayloadTooLargeError,
    UnauthenticatedError,
    UnsupportedMediaError,
    find_by_class,
    hide_unknown,
)

# As Triton and KServe have them: what a caller did wrong is 400 unless a client of theirs looks for something else.
STATUSES: Mapping[type[DigitCodecError], int] = MappingProxyType(
    {
        MalformedRequestError: 400,
        UnauthenticatedError: 401,
        NotFoundError: 404,
        MethodNotAllowedError: 405,
        PayloadTooLargeError: 413,
        UnsupportedMediaError: 415,
        InvalidImageError: 400,
        InvalidCodeError: 400,
        OverloadedError: 429,
        BackendError: 500,
        NotReadyError: 503,
        DeadlineExceededError: 504,
        DigitCodecError: 500,
    }
)


def answer_failure(error: Exception, _: HttpRequest, exchange: Exchange) -> HttpAnswer:
    """The answer to a request that failed; what only the log may tell is noted for it."""
    shown = hide_unknown(error)
    status = find_by_class(STATUSES, shown)
    exchange.finish(status, shown.reason)
    exchange.note_failure(error)
    return HttpAnswer(status, (JSON, *find_headers(shown)), orjson.dumps({"error": shown.detail}))
