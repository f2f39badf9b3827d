"""Carries requests over HTTP, by httpx, from threads or an event loop."""

import asyncio
import ssl
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from service.client.address import Address, Trust
from service.client.asks import Result
from service.client.conversation import Send
from service.client.errors import ClientError, DeadlineExceededError, UnreachableError
from service.client.http.replies import read_reply
from service.client.http.requests import HttpRequest, build_request

try:
    import httpx
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("the client over HTTP needs httpx: pip install 'digitcodec[client]'") from error

# The service closes connections that have been idle for 5 s unless told otherwise; to use one at that moment fails.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=4.0)
_MAX_CONNECT_S = 5.0
# So much longer than the service itself has for the request, so that its own words arrive.
_GRACE_S = 0.25
# Reading so many rows takes long enough for a thread of its own to pay.
_MANY_ROWS = 64


class HttpTransport:
    """Sends one request after the other, from any thread."""

    def __init__(self, address: Address, key: str | None, trust: Trust) -> None:
        self._client = httpx.Client(**_build_options(address, key, trust))

    def send(self, send: Send) -> Result:
        """Send a request and read its reply.

        Raises:
            ClientError: What it ended with.
        """
        request = build_request(send.ask, send.timeout_s, send.request_id)
        end_s = time.monotonic() + send.timeout_s + _GRACE_S
        try:
            with self._client.stream(**_render(request, send.timeout_s)) as reply:
                body = b"".join(_take_until(end_s, reply.iter_bytes()))
        except (httpx.HTTPError, TimeoutError) as error:
            raise _explain(error, send) from error
        return read_reply(send.ask, reply.status_code, reply.headers, body)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


class AsyncHttpTransport:
    """The same on an event loop."""

    def __init__(self, address: Address, key: str | None, trust: Trust) -> None:
        self._client = httpx.AsyncClient(**_build_options(address, key, trust))

    async def send(self, send: Send) -> Result:
        """Send a request and read its reply.

        Raises:
            ClientError: What it ended with.
        """
        request = build_request(send.ask, send.timeout_s, send.request_id)
        try:
            async with asyncio.timeout(send.timeout_s + _GRACE_S):
                reply = await self._client.request(**_render(request, send.timeout_s))
        except (httpx.HTTPError, TimeoutError) as error:
            raise _explain(error, send) from error
        read = partial(read_reply, send.ask, reply.status_code, reply.headers, reply.content)
        return await asyncio.to_thread(read) if len(send.ask) > _MANY_ROWS else read()

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


def _build_options(address: Address, key: str | None, trust: Trust) -> dict[str, Any]:
    headers = {} if key is None else {"X-API-Key": key}
    verify = _build_context(trust) if address.is_secure else True
    return {"base_url": address.target, "headers": headers, "verify": verify, "limits": _LIMITS}


def _build_context(trust: Trust) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=trust.ca)
    if trust.cert is not None:
        context.load_cert_chain(*trust.cert)
    return context


def _render(request: HttpRequest, timeout_s: float) -> dict[str, Any]:
    """Arguments of httpx for a request."""
    return {
        "method": request.method,
        "url": request.path,
        "params": request.query,
        "headers": request.headers,
        "content": request.body,
        "timeout": httpx.Timeout(timeout_s + _GRACE_S, connect=min(timeout_s, _MAX_CONNECT_S)),
    }


def _take_until(end_s: float, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """A body that comes bit by bit must have an end too; httpx bounds each bit alone."""
    for chunk in chunks:
        if time.monotonic() > end_s:
            raise TimeoutError
        yield chunk


def _explain(error: Exception, send: Send) -> ClientError:
    """The client's error for what httpx says of a request without a reply."""
    if isinstance(error, TimeoutError | httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        detail = f"no answer came within {send.timeout_s:.3g} s"
        return DeadlineExceededError(detail, request_id=send.request_id)
    detail = f"no answer came: {error or type(error).__name__}"
    return UnreachableError(detail, request_id=send.request_id)
