"""Our own gRPC door: digitcodec.v1.Codec."""

import grpc

from service.api.context import DoorContext
from service.api.exchange import grpc_door
from service.api.grpc.frame import CallTracker, RpcFrame, add_service, serialize
from service.api.grpc.operations import Operations
from service.api.grpc.stream import StreamAnswerer
from service.wire import codec_pb2 as pb

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
    frame = RpcFrame(DOOR, context, tracker)
    streams = StreamAnswerer(operations, context, tracker, DOOR, max_rows=stream_rows)
    service = str(pb.DESCRIPTOR.services_by_name["Codec"].full_name)
    handlers = {
        "Encode": frame.build_handler("encode", pb.EncodeRequest, operations.encode),
        "Decode": frame.build_handler("decode", pb.DecodeRequest, operations.decode),
        "Reconstruct": frame.build_handler("reconstruct", pb.ReconstructRequest, operations.reconstruct),
        "Score": frame.build_handler("score", pb.ScoreRequest, operations.score),
        "ReconstructStream": grpc.stream_stream_rpc_method_handler(streams.answer, response_serializer=serialize),
    }
    add_service(server, service, handlers)
    return service
