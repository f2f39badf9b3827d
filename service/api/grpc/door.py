"""Our own gRPC door: the servicer of digitcodec.v1.Codec."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc

from service.api.context import DoorContext
from service.api.exchange import grpc_door
from service.api.grpc.frame import CallTracker, RpcContext, RpcFrame, abort, find_rpc_origin
from service.api.grpc.operations import Operations
from service.api.grpc.status import render_status
from service.api.grpc.stream import StreamAnswerer
from service.errors import NotReadyError
from service.wire import codec_pb2 as pb
from service.wire.codec_pb2_grpc import CodecServicer, add_CodecServicer_to_server

DOOR = grpc_door("grpc")


def add_codec_service(server: grpc.aio.Server, context: DoorContext, tracker: CallTracker, *, stream_rows: int) -> str:
    """Let the server answer digitcodec.v1.Codec.

    Args:
        server: Not started yet.
        context: The core, the limits and the log.
        tracker: Is told of every call.
        stream_rows: Rows that a stream may have in work ahead of its answers.

    Returns:
        The full name of the service.
    """
    operations = Operations(context)
    streams = StreamAnswerer(operations, context, tracker, DOOR, max_rows=stream_rows)
    servicer = _Servicer(operations, RpcFrame(DOOR, context, tracker), streams, context, tracker)
    add_CodecServicer_to_server(servicer, server)
    return pb.DESCRIPTOR.services_by_name["Codec"].full_name


class _Servicer(CodecServicer):
    """Gives each call to its operation."""

    def __init__(
        self,
        operations: Operations,
        frame: RpcFrame,
        streams: StreamAnswerer,
        context: DoorContext,
        tracker: CallTracker,
    ) -> None:
        self._operations = operations
        self._frame = frame
        self._streams = streams
        self._context = context
        self._tracker = tracker

    async def Encode(self, request: pb.EncodeRequest, context: Any) -> pb.EncodeResponse:
        return await self._frame.answer("encode", partial(self._operations.encode, request), context)

    async def Decode(self, request: pb.DecodeRequest, context: Any) -> pb.DecodeResponse:
        return await self._frame.answer("decode", partial(self._operations.decode, request), context)

    async def Reconstruct(self, request: pb.ReconstructRequest, context: Any) -> pb.ReconstructResponse:
        return await self._frame.answer("reconstruct", partial(self._operations.reconstruct, request), context)

    async def Score(self, request: pb.ScoreRequest, context: Any) -> pb.ScoreResponse:
        return await self._frame.answer("score", partial(self._operations.score, request), context)

    async def ReconstructStream(
        self, request_iterator: AsyncIterator[pb.ReconstructStreamRequest], context: RpcContext
    ) -> AsyncIterator[pb.ReconstructStreamResponse]:
        with self._tracker.counted():
            try:
                async for response in self._streams.answer(request_iterator, context):
                    yield response
            except NotReadyError as error:
                await abort(context, render_status(error), find_rpc_origin(context, self._context))
