"""Server reflection over every contract that the server speaks, so that grpcurl needs no .proto file."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from service.api.context import DoorContext
from service.api.grpc.calls import Places, RpcContext
from service.api.grpc.frame import abort, add_service, find_address, read_metadata, serialize
from service.api.grpc.incoming import parse
from service.api.grpc.status import render_status
from service.errors import DeadlineExceededError, DigitCodecError
from service.wire import codec_pb2, inference_pb2, tensorflow_serving

# Programs ask a few questions when they start; what stays open longer is forgotten, or means no good.
_MAX_STREAMS = 32
_IDLE_S = 60.0

_MODULES = (codec_pb2, inference_pb2, health_pb2, reflection_pb2, status_pb2, error_details_pb2)


class _Servicer:
    """The library's, for callers who are let in."""

    def __init__(self, services: Sequence[str], context: DoorContext) -> None:
        # The stubs take its answers for a coroutine; they are a generator's.
        self._library: Any = reflection.aio.ReflectionServicer((*services, reflection.SERVICE_NAME), pool=_build_pool())
        self._context = context
        self._places = Places(_MAX_STREAMS, "reflection streams")

    async def answer(self, _: object, rpc: RpcContext) -> AsyncIterator[Any]:
        """Answer one caller's questions."""
        metadata = read_metadata(rpc)
        origin = self._context.find_origin(metadata, find_address(rpc))
        try:
            self._places.take(rpc, self._context.find_caller(metadata, origin))
            async for answer in self._library.ServerReflectionInfo(_read_all(rpc), rpc):
                yield answer
        except DigitCodecError as error:
            await abort(rpc, render_status(error), origin)


async def _read_all(rpc: RpcContext) -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
    """The caller's questions, one after the other.

    Raises:
        MalformedRequestError: If something else comes.
        DeadlineExceededError: If nothing comes for too long.
    """
    while (data := await _read(rpc)) is not grpc.aio.EOF:
        yield parse(reflection_pb2.ServerReflectionRequest, data)


async def _read(rpc: RpcContext) -> Any:
    try:
        async with asyncio.timeout(_IDLE_S):
            return await rpc.read()
    except TimeoutError as error:
        raise DeadlineExceededError(f"nothing came for {_IDLE_S:g} s") from error


def add_reflection(server: grpc.aio.Server, services: Sequence[str], context: DoorContext) -> None:
    """Let the server tell about these services, and about reflection itself, to who is let in."""
    handler: Any = grpc.stream_stream_rpc_method_handler(
        _Servicer(services, context).answer, response_serializer=serialize
    )
    add_service(server, reflection.SERVICE_NAME, {"ServerReflectionInfo": handler})


def _build_pool() -> DescriptorPool:
    """One pool for all: TensorFlow Serving's files are kept in a pool of their own elsewhere."""
    files = {file.name: file for file in tensorflow_serving.FILES.file}
    for module in _MODULES:
        _collect(module.DESCRIPTOR, files)
    pool = DescriptorPool()
    for file in files.values():
        pool.Add(file)
    return pool


def _collect(file: object, files: dict[str, FileDescriptorProto]) -> None:
    """Add a file after those that it depends on, as a pool wants them."""
    if file.name not in files:  # type: ignore[attr-defined]  # protobuf's own descriptors are untyped
        for dependency in file.dependencies:  # type: ignore[attr-defined]
            _collect(dependency, files)
        files[file.name] = FileDescriptorProto.FromString(file.serialized_pb)  # type: ignore[attr-defined]
