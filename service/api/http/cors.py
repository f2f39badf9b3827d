"""Lets pages of other origins call the service from a browser (CORS)."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from service.asgi import WHOLE_ANSWER

# What a page may send beside what every page may, and what it may read of an answer's head.
_REQUEST_HEADERS = ("Accept", "Authorization", "Content-Type", "X-API-Key", "X-Request-Id", "X-Request-Timeout")
_ANSWER_HEADERS = (
    "Retry-After",
    "X-Anomaly",
    "X-Anomaly-Score",
    "X-Model-Name",
    "X-Model-Version",
    "X-Reconstruction-Error",
    "X-Request-Id",
)


def allow_origins(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The application with CORS headers for these origins, `*` for all; browsers send it no cookies.

    A preflight is answered before the application hears of it.
    """
    return CORSMiddleware(
        _answer_by_messages(app),
        allow_origins=origins,
        allow_methods=("GET", "POST", "OPTIONS"),
        allow_headers=_REQUEST_HEADERS,
        expose_headers=_ANSWER_HEADERS,
    )


def _answer_by_messages(app: ASGIApp) -> ASGIApp:
    """The application; pages get their answers by messages: the short way would pass by who adds headers to those."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if any(name == b"origin" for name, _ in scope.get("headers", ())):
            extensions = scope.get("extensions") or {}
            rest = {name: each for name, each in extensions.items() if name != WHOLE_ANSWER}
            scope = {**scope, "extensions": rest}
        await app(scope, receive, send)

    return answer
