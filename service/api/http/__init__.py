"""The HTTP door: contract two over a FastAPI application."""

from service.api.http.door import build_http_app

__all__ = ["build_http_app"]
