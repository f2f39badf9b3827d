"""The gRPC door of the Open Inference Protocol."""

from functools import partial
from typing import Any

import grpc

from service.api.context import DoorContext
from service.api.exchange import Exchange, grpc_door
from service.api.grpc.calls import CallTracker
from service.api.grpc.frame import RpcFrame, add_service
from service.api.inference.infer import infer
from service.api.inference.metadata import describe_model, describe_server, is_model_ready, list_index
from service.api.inference.routes import OPEN, PROBES
from service.api.inference.rpc_messages import parse_message, render_message
from service.api.reading import render_rows
from service.domain import Deadline
from service.wire import inference_pb2 as pb

OIP_GRPC = grpc_door("oip-grpc")


def add_inference_service(server: grpc.aio.Server, context: DoorContext, tracker: CallTracker) -> str:
    """Let a server that has not started answer the protocol; returns the full name of the service."""
    frame, calls = RpcFrame(OIP_GRPC, context, tracker, probes=PROBES, open_operations=OPEN), _Calls(context)
    handlers = {
        "ServerLive": frame.build_handler("live", pb.ServerLiveRequest, calls.tell_alive),
        "ServerReady": frame.build_handler("ready", pb.ServerReadyRequest, calls.tell_ready),
        "ModelReady": frame.build_handler("model-ready", pb.ModelReadyRequest, calls.tell_model_ready),
        "ServerMetadata": frame.build_handler("server-metadata", pb.ServerMetadataRequest, calls.describe_server),
        "ModelMetadata": frame.build_handler("model-metadata", pb.ModelMetadataRequest, calls.describe_model),
        "RepositoryIndex": frame.build_handler("index", pb.RepositoryIndexRequest, calls.list_index),
        "ModelInfer": frame.build_handler("infer", pb.ModelInferRequest, calls.infer, takes_rows=True),
    }
    service = str(pb.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name)
    add_service(server, service, handlers)
    return service


class _Calls:
    """What each method does; raises core errors, which the frame renders."""

    def __init__(self, context: DoorContext) -> None:
        self._context = context
        self._codec = context.codec

    async def tell_alive(self, _: pb.ServerLiveRequest, __: Deadline, ___: Exchange) -> pb.ServerLiveResponse:
        """Does the process answer? It does."""
        return pb.ServerLiveResponse(live=True)

    async def tell_ready(self, _: pb.ServerReadyRequest, __: Deadline, ___: Exchange) -> pb.ServerReadyResponse:
        """Would a request without a version be answered?"""
        return pb.ServerReadyResponse(ready=self._codec.is_ready())

    async def tell_model_ready(
        self, request: pb.ModelReadyRequest, deadline: Deadline, exchange: Exchange
    ) -> pb.ModelReadyResponse:
        """Would a request for this model be answered?"""
        ready = await is_model_ready(request.name, request.version, self._codec, deadline, exchange.origin)
        return pb.ModelReadyResponse(ready=ready)

    async def describe_server(
        self, _: pb.ServerMetadataRequest, __: Deadline, ___: Exchange
    ) -> pb.ServerMetadataResponse:
        """What the server is."""
        return pb.ServerMetadataResponse(**describe_server())

    async def describe_model(
        self, request: pb.ModelMetadataRequest, deadline: Deadline, exchange: Exchange
    ) -> pb.ModelMetadataResponse:
        """What a model takes and answers."""
        described = await describe_model(request.name, request.version, self._codec, deadline, exchange.origin)
        return pb.ModelMetadataResponse(**described)

    async def list_index(
        self, request: pb.RepositoryIndexRequest, _: Deadline, __: Exchange
    ) -> pb.RepositoryIndexResponse:
        """Every version of every model."""
        entries: list[Any] = list_index(self._codec, only_ready=request.ready)
        return pb.RepositoryIndexResponse(models=entries)

    async def infer(
        self, message: pb.ModelInferRequest, deadline: Deadline, exchange: Exchange
    ) -> pb.ModelInferResponse:
        """Run a model."""
        answer = await infer(parse_message(message, self._context.limits.max_rows), self._context, deadline, exchange)
        render = partial(render_message, answer, raw=bool(message.raw_input_contents))
        return await render_rows(render, answer.rows, self._context.bulk)
