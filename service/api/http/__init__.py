"""The HTTP door: contract two over a FastAPI application."""

from service.api.http.door import build_http_app
from service.api.http.neighbours import Neighbour

__all__ = ["Neighbour", "build_http_app"]
