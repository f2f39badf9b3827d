"""The one table from errors to TensorFlow Serving's codes, and from those to HTTP statuses; decides nothing else."""

from collections.abc import Mapping
from types import MappingProxyType

import orjson
from grpc import StatusCode

from service.api.exchange import Exchange
from service.api.grpc.calls import TooManyCallsError
from service.api.grpc.status import CODES as SHARED_CODES
from service.api.grpc.status import RpcStatus, build_status
from service.api.http.answers import JSON, Header, HttpAnswer
from service.api.http.frame import HttpRequest
from service.api.http.problems import find_headers
from service.api.tfserving.words import FULL_QUEUE, NotOfferedError, UnlistedError, UnmetError
from service.errors import DigitCodecError, OverloadedError, RateLimitedError, find_by_class, hide_unknown

# A caller's own names may be in a text, and they may be as long as a request line.
_MAX_TEXT_CHARACTERS = 1000

CODES: Mapping[type[DigitCodecError], StatusCode] = MappingProxyType(
    {
        **SHARED_CODES,
        OverloadedError: StatusCode.UNAVAILABLE,
        RateLimitedError: StatusCode.RESOURCE_EXHAUSTED,
        TooManyCallsError: StatusCode.RESOURCE_EXHAUSTED,
        UnlistedError: StatusCode.INVALID_ARGUMENT,
        UnmetError: StatusCode.FAILED_PRECONDITION,
        NotOfferedError: StatusCode.UNIMPLEMENTED,
    }
)

HTTP_STATUSES: Mapping[StatusCode, int] = MappingProxyType(
    {
        StatusCode.CANCELLED: 499,
        StatusCode.UNKNOWN: 500,
        StatusCode.INVALID_ARGUMENT: 400,
        StatusCode.DEADLINE_EXCEEDED: 504,
        StatusCode.NOT_FOUND: 404,
        StatusCode.ALREADY_EXISTS: 409,
        StatusCode.PERMISSION_DENIED: 403,
        StatusCode.RESOURCE_EXHAUSTED: 429,
        StatusCode.FAILED_PRECONDITION: 400,
        StatusCode.ABORTED: 409,
        StatusCode.OUT_OF_RANGE: 400,
        StatusCode.UNIMPLEMENTED: 501,
        StatusCode.INTERNAL: 500,
        StatusCode.UNAVAILABLE: 503,
        StatusCode.DATA_LOSS: 500,
        StatusCode.UNAUTHENTICATED: 401,
    }
)
"""As TensorFlow Serving's REST API answers each code (model_servers/http_server.cc)."""


def render_rpc_failure(error: Exception) -> RpcStatus:
    """The status of a call that ended with this exception."""
    shown = hide_unknown(error)
    return build_status(find_by_class(CODES, shown), _find_text(shown), shown)


def render_rest_failure(error: Exception, request: HttpRequest, exchange: Exchange) -> HttpAnswer:  # noqa: ARG001 - a `FailureRenderer`
    """The answer to a REST request that ended with this exception; what only the log may tell is noted for it."""
    shown = hide_unknown(error)
    status = HTTP_STATUSES[find_by_class(CODES, shown)]
    exchange.finish(status, shown.reason)
    exchange.note_failure(error)
    return answer_json(status, {"error": _find_text(shown)[:_MAX_TEXT_CHARACTERS]}, *find_headers(shown))


def answer_json(status: int, document: object, *headers: Header) -> HttpAnswer:
    """A small document, pretty-printed as TensorFlow Serving's are."""
    return HttpAnswer(status, (JSON, *headers), orjson.dumps(document, option=orjson.OPT_INDENT_2))


def _find_text(error: DigitCodecError) -> str:
    is_queue_full = isinstance(error, OverloadedError) and not isinstance(error, TooManyCallsError | RateLimitedError)
    return FULL_QUEUE if is_queue_full else error.detail
