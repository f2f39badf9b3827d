"""The frame around every hot HTTP request, whichever protocol it speaks: one answer and one log line, come what may."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.types import Receive, Scope, Send

from service.api.context import DoorContext
from service.api.exchange import Door, Exchange
from service.api.http.answers import HttpAnswer
from service.api.http.body import RequestBody
from service.api.http.watch import CallerWatch, ClientGoneError, watch_callers
from service.survivors import Survivors

HTTP = Door("http")


class HttpRequest(NamedTuple):
    """One request.

    Attributes:
        method: In upper case.
        path: Decoded, below the prefix at which a proxy has mounted the service.
        query: As it came, without the question mark.
        headers: By name in lower case.
        body: Its body, not read yet.
        receive: Where the server tells that the caller left.
        watched: The callers that are watched.
    """

    method: str
    path: str
    query: bytes
    headers: dict[bytes, bytes]
    body: RequestBody
    receive: Receive
    watched: Survivors[CallerWatch]


Handler = Callable[[HttpRequest, Exchange], Awaitable[HttpAnswer]]
"""Answers a request, and notes rows and version; what it raises goes to the failure renderer."""

FailureRenderer = Callable[[Exception, HttpRequest, Exchange], HttpAnswer]
"""The answer to a request that failed, in the shape of its protocol; notes status and reason."""


class Frame:
    """An ASGI application around a handler."""

    def __init__(
        self,
        door: Door,
        operation: str,
        handle: Handler,
        render_failure: FailureRenderer,
        context: DoorContext,
        *,
        probes: frozenset[str] = frozenset(),
        open_paths: frozenset[str] = frozenset(),
    ) -> None:
        """Wrap a handler.

        Args:
            door: What the log calls the door.
            operation: What it calls the operation, unless the handler finds a better name.
            handle: Answers requests.
            render_failure: Answers those that fail.
            context: The log, the limit of bodies and the source of ids.
            probes: Operations that machines ask for every second: a good answer to them is no news.
            open_paths: Paths that nobody needs a key for.
        """
        self._door = door
        self._operation = operation
        self._handle = handle
        self._render_failure = render_failure
        self._context = context
        self._probes = probes
        self._open_paths = open_paths
        self._watched = watch_callers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens, and write its line."""
        headers = join_headers(scope["headers"])
        origin = self._context.find_origin(headers, find_address(scope))
        body = RequestBody(headers, scope, receive, self._context.limits.max_body_bytes, self._context.budget)
        path = find_path(scope)
        request = HttpRequest(scope["method"], path, scope["query_string"], headers, body, receive, self._watched)
        exchange = self._context.begin(self._door, self._operation, origin)
        try:
            answer = await self._answer(request, exchange)
            await body.answer(send, answer, (b"x-request-id", exchange.request_id))
        except ClientGoneError:
            exchange.abandon()
        finally:
            body.let_go()
            exchange.write(quiet=exchange.operation in self._probes)

    async def _answer(self, request: HttpRequest, exchange: Exchange) -> HttpAnswer:
        try:
            if request.path not in self._open_paths:
                self._context.let_in(request.headers, exchange)
            request.body.caller = exchange.origin.caller
            answer = await self._handle(request, exchange)
        except ClientGoneError:
            raise
        except Exception as error:  # noqa: BLE001 - the door is the last to see it: an answer and a log line are due
            return self._render_failure(error, request, exchange)
        exchange.finish(answer.status)
        return answer


def join_headers(pairs: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; the values of repeated ones are joined by commas, as RFC 9110, 5.3 has them."""
    headers = dict(pairs)
    if len(headers) != len(pairs):
        for name in headers:
            headers[name] = b", ".join(value for other, value in pairs if other == name)
    return headers


def find_address(scope: Scope) -> str:
    """The caller's address without its port; empty for a Unix socket."""
    client = scope.get("client")
    return client[0] if client else ""


def find_path(scope: Scope) -> str:
    """The path below the prefix at which a proxy has mounted the service, if any."""
    path: str = scope["path"]
    prefix: str = scope.get("root_path", "")
    return path.removeprefix(prefix) if prefix else path
