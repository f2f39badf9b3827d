"""gRPC calls of ready bytes: nothing is serialized while the load runs."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from bench.words.ask import Reply, RpcRequest, StreamRequest
from service.wire import codec_pb2 as codec

_DETAILS = "grpc-status-details-bin"
OPTIONS = [
    ("grpc.max_receive_message_length", 2**26),
    ("grpc.max_send_message_length", 2**26),
    # Channels to one address would share one connection otherwise.
    ("grpc.use_local_subchannel_pool", 1),
]
"""Of every channel of a load."""
# Streams under way, of one process of the load.
_MOST_STREAMS = 512
# The service gives each message of a stream a deadline of its own once it has read it, and reads no faster than it can
# answer: who wants the whole stream in time says so.
_STREAM_TIMEOUT_S = 10.0
_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}


class RpcCaller:
    """Sends calls side by side over a few connections in turn.

    Streams go through gRPC's other client, in threads: grpc.aio replaces the status of a call by one of its own,
    INTERNAL, when it is still writing while the service ends the call.
    """

    def __init__(self, address: str, connections: int) -> None:
        """Prepare to call; connections are made when they are needed.

        Args:
            address: host:port.
            connections: How many for unary calls; streams have one more.
        """
        self._channels = [grpc.aio.insecure_channel(address, options=OPTIONS) for _ in range(connections)]
        self._turn = 0
        self._stream_channel = grpc.insecure_channel(address, options=OPTIONS)
        self._threads = ThreadPoolExecutor(_MOST_STREAMS, "streams")

    async def ask(self, request: RpcRequest | StreamRequest, timeout_s: float | None) -> Reply:
        """Make one call; it is cancelled if the wait is.

        Args:
            request: What is sent.
            timeout_s: The call's own deadline; None leaves it to the service.
        """
        if isinstance(request, StreamRequest):
            return await self._ask_stream(request, timeout_s)
        try:
            return Reply("OK", await self._next_channel().unary_unary(request.path)(request.message, timeout=timeout_s))
        except grpc.aio.AioRpcError as error:
            return describe_failure(error)

    async def close(self) -> None:
        """End every connection."""
        for channel in self._channels:
            await channel.close()
        self._stream_channel.close()
        self._threads.shutdown()

    async def _ask_stream(self, request: StreamRequest, timeout_s: float | None) -> Reply:
        method: Any = self._stream_channel.stream_stream(request.path)
        call = method(iter(request.messages), timeout=timeout_s or _STREAM_TIMEOUT_S)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, _read_all, call)
        finally:
            call.cancel()  # nothing happens where it has ended

    def _next_channel(self) -> Any:
        self._turn = (self._turn + 1) % len(self._channels)
        return self._channels[self._turn]


def describe_failure(error: Any) -> Reply:
    """What a failed call says, through either of gRPC's clients."""
    return Reply(error.code().name, reason=_find_reason(error), detail=error.details() or "")


def _read_all(call: Any) -> Reply:
    try:
        return join_parts(list(call))
    except grpc.RpcError as error:
        return describe_failure(error)


def join_parts(parts: Sequence[bytes]) -> Reply:
    """The reply of a stream; if a message was answered by a failure, that is the status of the whole."""
    for part in parts:
        answer = codec.ReconstructStreamResponse.FromString(part)
        if answer.HasField("failure"):
            return Reply(_NAMES[answer.failure.code], reason=answer.failure.reason, detail=answer.failure.detail)
    return Reply("OK", b"".join(parts), parts=tuple(parts))


def _find_reason(error: Any) -> str:
    """The reason in the ErrorInfo; empty where the status has none, as those that gRPC makes itself."""
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS:
            for detail in Status.FromString(value).details:
                info = ErrorInfo()
                if detail.Unpack(info):
                    return str(info.reason)
    return ""
