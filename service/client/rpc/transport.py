"""Carries requests over gRPC, by grpcio, from threads or an event loop."""

import grpc
import grpc.aio

from service.client.address import Address, Trust
from service.client.asks import Result
from service.client.conversation import Send
from service.client.rpc.channel import OPTIONS, Methods, explain, load_credentials
from service.client.rpc.replies import read_message
from service.client.rpc.stream import AsyncRpcStream, RpcStream


class RpcTransport:
    """Sends requests, from any thread."""

    def __init__(self, address: Address, key: str | None, trust: Trust) -> None:
        credentials = load_credentials(address, trust)
        self._channel = (
            grpc.insecure_channel(address.target, OPTIONS)
            if credentials is None
            else grpc.secure_channel(address.target, credentials, OPTIONS)
        )
        self._methods = Methods(self._channel, key)

    def send(self, send: Send) -> Result:
        """Send a request and read its reply.

        Raises:
            ClientError: What it ended with.
        """
        try:
            message = self._methods.begin(send)
        except grpc.RpcError as error:
            raise explain(error, send.request_id) from error
        return read_message(send.ask, message)

    def open_stream(self) -> RpcStream:
        """Begin a stream."""
        return RpcStream(self._methods)

    def close(self) -> None:
        """Close its channel."""
        self._channel.close()


class AsyncRpcTransport:
    """The same on an event loop; the channel belongs to that of the first request."""

    def __init__(self, address: Address, key: str | None, trust: Trust) -> None:
        self._address, self._key = address, key
        self._credentials = load_credentials(address, trust)
        self._channel: grpc.aio.Channel | None = None
        self._methods: Methods | None = None

    async def send(self, send: Send) -> Result:
        """Send a request and read its reply.

        Raises:
            ClientError: What it ended with.
        """
        methods = self._methods or self._open()
        try:
            message = await methods.begin(send)
        except grpc.RpcError as error:
            raise explain(error, send.request_id) from error
        return read_message(send.ask, message)

    def open_stream(self) -> AsyncRpcStream:
        """Begin a stream."""
        return AsyncRpcStream(self._methods or self._open())

    async def close(self) -> None:
        """Close its channel."""
        if self._channel is not None:
            await self._channel.close()

    def _open(self) -> Methods:
        target = self._address.target
        self._channel = (
            grpc.aio.insecure_channel(target, OPTIONS)
            if self._credentials is None
            else grpc.aio.secure_channel(target, self._credentials, OPTIONS)
        )
        self._methods = Methods(self._channel, self._key)
        return self._methods
