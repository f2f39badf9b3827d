"""What carries requests: which transport an address needs, and what transports do."""

from typing import Protocol

from service.client.address import Address, Trust
from service.client.answers import Reconstructions
from service.client.asks import Ask, Result
from service.client.conversation import Send
from service.client.errors import ClientError


class Stream(Protocol):
    """A stream of reconstruct requests; not for two threads at the same time."""

    def put(self, ask: Ask) -> None:
        """Send a request, without waiting."""

    def take(self, ask: Ask, timeout_s: float) -> Reconstructions | ClientError:
        """Wait for the next answer, or for why there is none; raises the ClientError that the stream ended with."""

    def close(self) -> None:
        """End it, whatever is under way."""


class AsyncStream(Protocol):
    """The same on an event loop."""

    def put(self, ask: Ask) -> None:
        """Send a request, without waiting."""

    async def take(self, ask: Ask, timeout_s: float) -> Reconstructions | ClientError:
        """Wait for the next answer, or for why there is none; raises the ClientError that the stream ended with."""

    def close(self) -> None:
        """End it, whatever is under way."""


class Transport(Protocol):
    """Sends requests, from any thread."""

    def send(self, send: Send) -> Result:
        """Send a request and read its reply; raises the ClientError that it ended with."""

    def close(self) -> None:
        """Close its connections."""


class StreamTransport(Transport, Protocol):
    """One whose protocol has streams."""

    def open_stream(self) -> Stream:
        """Begin a stream."""


class AsyncTransport(Protocol):
    """The same on an event loop."""

    async def send(self, send: Send) -> Result:
        """Send a request and read its reply; raises the ClientError that it ended with."""

    async def close(self) -> None:
        """Close its connections."""


class AsyncStreamTransport(AsyncTransport, Protocol):
    """One whose protocol has streams."""

    def open_stream(self) -> AsyncStream:
        """Begin a stream."""


def build_transport(address: Address, key: str | None, trust: Trust) -> Transport:
    """What carries requests to an address; only the library that it needs is imported.

    Raises:
        ModuleNotFoundError: If httpx is needed and not installed.
        OSError: If a file of TLS cannot be read.
    """
    if address.protocol == "http":
        from service.client.http import HttpTransport

        return HttpTransport(address, key, trust)
    from service.client.rpc import RpcTransport

    return RpcTransport(address, key, trust)


def build_async_transport(address: Address, key: str | None, trust: Trust) -> AsyncTransport:
    """The same on an event loop."""
    if address.protocol == "http":
        from service.client.http import AsyncHttpTransport

        return AsyncHttpTransport(address, key, trust)
    from service.client.rpc import AsyncRpcTransport

    return AsyncRpcTransport(address, key, trust)
