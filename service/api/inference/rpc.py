"""The gRPC door of the Open Inference Protocol."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from service.api.context import DoorContext
from service.api.exchange import Exchange, grpc_door
from service.api.grpc.frame import CallTracker, RpcContext, RpcFrame
from service.api.inference.infer import infer
from service.api.inference.metadata import describe_model, describe_server, is_model_ready, list_index
from service.api.inference.routes import PROBES
from service.api.inference.rpc_messages import parse_message, render_message
from service.api.reading import render_rows
from service.domain import Deadline
from service.wire import inference_pb2 as pb
from service.wire.inference_pb2_grpc import (
    GRPCInferenceServiceServicer,
    add_GRPCInferenceServiceServicer_to_server,
)

OIP_GRPC = grpc_door("oip-grpc")

_Response = TypeVar("_Response", bound=Message)


def add_inference_service(server: grpc.aio.Server, context: DoorContext, tracker: CallTracker) -> str:
    """Let a server that has not started answer the protocol; returns the full name of the service."""
    servicer = _Servicer(context, RpcFrame(OIP_GRPC, context, tracker, probes=PROBES))
    add_GRPCInferenceServiceServicer_to_server(servicer, server)
    return str(pb.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name)


class _Servicer(GRPCInferenceServiceServicer):
    """Answers calls; the names of the methods are the protocol's."""

    def __init__(self, context: DoorContext, frame: RpcFrame) -> None:
        self._context = context
        self._codec = context.codec
        self._frame = frame

    async def ServerLive(self, _: pb.ServerLiveRequest, rpc: RpcContext) -> pb.ServerLiveResponse:
        """Does the process answer? It does."""
        return await self._answer("live", lambda: pb.ServerLiveResponse(live=True), rpc)

    async def ServerReady(self, _: pb.ServerReadyRequest, rpc: RpcContext) -> pb.ServerReadyResponse:
        """Would a request without a version be answered?"""
        return await self._answer("ready", lambda: pb.ServerReadyResponse(ready=self._codec.is_ready()), rpc)

    async def ModelReady(self, request: pb.ModelReadyRequest, rpc: RpcContext) -> pb.ModelReadyResponse:
        """Would a request for this model be answered?"""
        is_ready = partial(is_model_ready, request.name, request.version, self._codec)
        return await self._answer("model-ready", lambda: pb.ModelReadyResponse(ready=is_ready()), rpc)

    async def ServerMetadata(self, _: pb.ServerMetadataRequest, rpc: RpcContext) -> pb.ServerMetadataResponse:
        """What the server is."""
        return await self._answer("server-metadata", lambda: pb.ServerMetadataResponse(**describe_server()), rpc)

    async def ModelMetadata(self, request: pb.ModelMetadataRequest, rpc: RpcContext) -> pb.ModelMetadataResponse:
        """What a model takes and answers."""
        describe = partial(describe_model, request.name, request.version, self._codec)
        return await self._answer("model-metadata", lambda: pb.ModelMetadataResponse(**describe()), rpc)

    async def RepositoryIndex(self, request: pb.RepositoryIndexRequest, rpc: RpcContext) -> pb.RepositoryIndexResponse:
        """Every version of every model."""
        return await self._answer("index", lambda: self._render_index(only_ready=request.ready), rpc)

    async def ModelInfer(self, request: pb.ModelInferRequest, rpc: RpcContext) -> pb.ModelInferResponse:
        """Run a model."""
        return await self._frame.answer("infer", partial(self._infer, request), rpc)

    async def _infer(
        self, message: pb.ModelInferRequest, deadline: Deadline, exchange: Exchange
    ) -> pb.ModelInferResponse:
        answer = await infer(parse_message(message), self._context, deadline, exchange)
        render = partial(render_message, answer, raw=bool(message.raw_input_contents))
        return await render_rows(render, answer.rows, self._context.bulk)

    def _render_index(self, *, only_ready: bool) -> pb.RepositoryIndexResponse:
        entries: list[Any] = list_index(self._codec, only_ready=only_ready)
        return pb.RepositoryIndexResponse(models=entries)

    async def _answer(self, operation: str, render: Callable[[], _Response], rpc: RpcContext) -> _Response:
        async def work(_: Deadline, __: Exchange) -> _Response:
            return render()

        return await self._frame.answer(operation, work, rpc)
