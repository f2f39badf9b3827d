"""Lets pages of other origins call the service from a browser (CORS)."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

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
        app,
        allow_origins=origins,
        allow_methods=("GET", "POST", "OPTIONS"),
        allow_headers=_REQUEST_HEADERS,
        expose_headers=_ANSWER_HEADERS,
    )
