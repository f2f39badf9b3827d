"""Our own gRPC door: digitcodec.v1.Codec."""

from functools import partial

import grpc

from service.api.context import DoorContext
from service.api.exchange import grpc_door
from service.api.grpc.calls import CallTracker
from service.api.grpc.frame import RpcFrame, add_service, serialize
from service.api.grpc.operations import Operations
from service.api.grpc.stream import StreamAnswerer
from service.wire import codec_pb2 as pb

DOOR = grpc_door("grpc")

STREAM_IDLE_S = 300.0


def add_codec_service(
    server: grpc.aio.Server,
    context: DoorContext,
    tracker: CallTracker,
    *,
    stream_rows: int,
    stream_idle_s: float = STREAM_IDLE_S,
) -> str:
    """Let the server answer digitcodec.v1.Codec.

    Args:
        server: Not started yet.
        context: The core, the limits and the log.
        tracker: Is told of every call.
        stream_rows: Rows that a stream may have in work ahead of its answers.
        stream_idle_s: Seconds after which a stream ends that has nothing in work and brings nothing.

    Returns:
        The full name of the service.
    """
    operations = Operations(context)
    frame = RpcFrame(DOOR, context, tracker)
    streams = StreamAnswerer(operations, context, tracker, DOOR, max_rows=stream_rows, idle_s=stream_idle_s)
    service = str(pb.DESCRIPTOR.services_by_name["Codec"].full_name)
    build = partial(frame.build_handler, takes_rows=True)
    handlers = {
        "Encode": build("encode", pb.EncodeRequest, operations.encode),
        "Decode": build("decode", pb.DecodeRequest, operations.decode),
        "Reconstruct": build("reconstruct", pb.ReconstructRequest, operations.reconstruct),
        "Score": build("score", pb.ScoreRequest, operations.score),
        "ReconstructStream": grpc.stream_stream_rpc_method_handler(streams.answer, response_serializer=serialize),
    }
    add_service(server, service, handlers)
    return service
