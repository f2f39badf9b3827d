"""Everything but the hot routes: FastAPI answers, and this wraps it in request ids, log lines and problems."""

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.context import DoorContext
from service.api.exchange import Exchange
from service.api.http.answers import NO_CONTENT, HttpAnswer, send_answer
from service.api.http.endpoints import answer_problem
from service.api.http.frame import HTTP, find_address, find_path, join_headers
from service.api.http.metrics import METRICS_PATHS
from service.api.http.playground import FILES
from service.api.http.problems import PROBLEMS, MethodNotAllowedError
from service.errors import DigitCodecError, Fault, MalformedRequestError, UnauthenticatedError

_HEALTH = frozenset({"/livez", "/readyz", "/startupz"})
# Asked every second by machines: a good answer to them is no news.
PROBES = _HEALTH | METRICS_PATHS
# Machines that ask for health have no key, and the pages say nothing that the repository does not.
OPEN_PATHS = _HEALTH | {"/docs", "/openapi.json"} | FILES.keys()

_STATE = "exchange"

# Where several errors share a status, the first in the table is the general one.
_ERROR_BY_STATUS: dict[int, type[DigitCodecError]] = {
    problem.status: kind for kind, problem in reversed(list(PROBLEMS.items()))
}


class Pages:
    """An ASGI application around another: request id in and out, HEAD, one log line, no exception let through."""

    def __init__(self, app: ASGIApp, context: DoorContext) -> None:
        self._app = app
        self._context = context
        self._open_paths = OPEN_PATHS | METRICS_PATHS if context.open_metrics else OPEN_PATHS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the inner application answer one request."""
        headers = join_headers(scope["headers"])
        path = find_path(scope)
        origin = self._context.find_origin(headers, find_address(scope))
        exchange = self._context.begin(HTTP, "unknown", origin)
        answer = _Sender(send, exchange)
        # No short ways: answers pass by what adds the id.
        inner = {**scope, "state": {**scope.get("state", {}), _STATE: exchange}, "extensions": {}}
        if scope["method"] == "HEAD":
            # It is GET without the body (RFC 9110, 9.3.2); the server, which knows the real method, sends none.
            inner["method"] = "GET"
        try:
            if path not in self._open_paths:
                self._context.let_in(headers, exchange)
            await self._app(inner, receive, answer)
        except UnauthenticatedError as error:
            await send_answer(answer, answer_problem(error, path, exchange))
        except Exception as error:  # noqa: BLE001 - FastAPI has answered, and raises for the server to log; our line does
            exchange.failure = error
        finally:
            exchange.operation = _name_operation(inner)
            exchange.write(quiet=path in PROBES)


class _Sender:
    """Passes an answer on: adds the request id and notes the status."""

    def __init__(self, send: Send, exchange: Exchange) -> None:
        self._send = send
        self._exchange = exchange

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"x-request-id", self._exchange.request_id)]}
            self._note(message["status"])
        await self._send(message)

    def _note(self, status: int) -> None:
        # A problem document has noted its status and reason already.
        if self._exchange.status != status:
            self._exchange.finish(status)


def _name_operation(scope: Scope) -> str:
    """The route that was found, never the path that was asked for: that is a stranger's text without bound."""
    name = getattr(scope.get("route"), "path", None) or getattr(scope.get("endpoint"), "__name__", "unknown")
    return str(name).strip("/") or "root"


def add_problem_handlers(app: FastAPI) -> None:
    """Make FastAPI's and Starlette's own errors leave in the shape of all others."""
    app.add_exception_handler(DigitCodecError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_error)


async def _answer_error(request: Request, error: Exception) -> Response:
    exchange: Exchange = getattr(request.state, _STATE)
    answer = answer_problem(error, request.url.path, exchange)
    return _to_response(answer)


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class alone
    faults = tuple(Fault("/" + "/".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors())
    return await _answer_error(request, MalformedRequestError("a parameter has a value it cannot have", faults=faults))


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    if error.status_code == 405:
        return await _answer_method(request, (error.headers or {}).get("allow", "GET"))
    detail = f"there is no route {request.url.path[:200]}" if error.status_code == 404 else str(error.detail)
    return await _answer_error(request, _find_error(error.status_code)(detail))


def _find_error(status: int) -> type[DigitCodecError]:
    """The error that leaves with this status, or the nearest that there is."""
    nearest = MalformedRequestError if status < 500 else DigitCodecError
    return _ERROR_BY_STATUS.get(status, nearest)


async def _answer_method(request: Request, methods: str) -> Response:
    names = {name.strip() for name in methods.split(",")} | {"OPTIONS"}
    allow = ", ".join(sorted(names | ({"HEAD"} if "GET" in names else set())))
    if request.method == "OPTIONS":
        return _to_response(HttpAnswer(NO_CONTENT, ((b"allow", allow.encode("latin-1")),)))
    detail = f"{request.url.path} has no method {request.method}, it has {allow}"
    return await _answer_error(request, MethodNotAllowedError(detail, allow=allow))


def _to_response(answer: HttpAnswer) -> Response:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
    return Response(answer.body, answer.status, headers)
