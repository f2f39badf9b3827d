"""The client's HTTP: `requests`, `replies` and `failures` do no I/O, `transport` does it by httpx."""

from service.client.http.transport import AsyncHttpTransport, HttpTransport

__all__ = ["AsyncHttpTransport", "HttpTransport"]
