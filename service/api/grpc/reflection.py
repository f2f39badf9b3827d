"""Server reflection over every contract that the server speaks, so that grpcurl needs no .proto file."""

from collections.abc import Sequence

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from service.wire import codec_pb2, inference_pb2, tensorflow_serving

_MODULES = (codec_pb2, inference_pb2, health_pb2, reflection_pb2, status_pb2, error_details_pb2)


def add_reflection(server: grpc.aio.Server, services: Sequence[str]) -> None:
    """Let the server tell about these services, and about reflection itself."""
    # The stubs say DescriptorPool means protobuf's default one; any pool serves.
    reflection.enable_server_reflection((*services, reflection.SERVICE_NAME), server, pool=_build_pool())


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
