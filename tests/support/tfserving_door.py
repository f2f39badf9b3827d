"""TensorFlow Serving's API over a fake backend: its REST application in process, its gRPC on a port of this machine."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import grpc
import numpy as np
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from support.fakes import FakeBackend

from service.api.context import DoorContext
from service.api.grpc.calls import CallTracker
from service.api.tfserving import Relabel, add_serving_services
from service.domain import Rows, VersionStatus
from service.wire import tensorflow_serving as wire
from service.wire.tensors import render_tensor


class StagedBackend(FakeBackend):
    """A fake whose list of versions holds some that do not answer, or lacks labels that work.

    Attributes:
        others: More versions, in any state.
        secret_labels: Labels that calls may use, but that the list does not show, as behind TensorFlow Serving.
    """

    def __init__(self, *versions: int, labels: dict[str, int] | None = None) -> None:
        super().__init__(*versions, labels=labels)
        self.others: list[VersionStatus] = []
        self.secret_labels: dict[str, int] = {}

    def describe(self) -> list[VersionStatus]:
        """Every version, newest first."""
        return sorted([*super().describe(), *self.others], key=lambda status: -status.version)

    def assign_labels(self, labels: Mapping[str, int]) -> None:
        """Replace the labels."""
        self.labels = dict(labels)

    def _find_version(self, selector: Any) -> int:
        if selector.label in self.secret_labels:
            return self.secret_labels[selector.label]
        return super()._find_version(selector)


class Refusal(NamedTuple):
    """How a call failed.

    Attributes:
        code: The name of its status.
        text: The status' text.
        reason: That of its ErrorInfo.
    """

    code: str
    text: str
    reason: str


class RpcClient:
    """Calls methods of TensorFlow Serving's API over a real channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    async def call(self, method: wire.Method, request: Any, **options: Any) -> Any:
        """The response; options are those of gRPC's calls."""
        return await self._start(method.path, request, method.response, **options)

    async def refuse(self, method: wire.Method, request: Any, **options: Any) -> Refusal:
        """How the call fails; it must."""
        try:
            response = await self.call(method, request, **options)
        except grpc.aio.AioRpcError as error:
            return Refusal(error.code().name, error.details() or "", _find_reason(error))
        raise AssertionError(f"answered: {str(response)[:500]}")

    async def call_unknown(self, path: str) -> str:
        """The name of the status that a method without a handler is answered by."""
        try:
            await self._start(path, wire.PredictRequest(), wire.PredictResponse)
        except grpc.aio.AioRpcError as error:
            return error.code().name
        raise AssertionError(f"{path} answered")

    def _start(self, path: str, request: Any, response: Any, **options: Any) -> Any:
        call: Any = self._channel.unary_unary(
            path,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )
        return call(request, **{"timeout": 20.0, **options})


def _find_reason(error: grpc.aio.AioRpcError) -> str:
    trailing: dict[str, Any] = dict(error.trailing_metadata() or ())
    details = trailing["grpc-status-details-bin"]
    status, info = Status.FromString(details), ErrorInfo()
    assert (error.code().value[0], error.details()) == (status.code, status.message)
    assert status.details[0].Unpack(info)
    return str(info.reason)


@asynccontextmanager
async def open_rpc(
    context: DoorContext, *, packed_tensors: bool = False, relabel: Relabel | None = None
) -> AsyncIterator[RpcClient]:
    """A client of the services over this context."""
    server = grpc.aio.server()
    add_serving_services(server, context, CallTracker(), packed_tensors=packed_tensors, relabel=relabel)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield RpcClient(channel)
    finally:
        await server.stop(None)


def build_spec(
    name: str = "digits", *, version: int | None = None, label: str | None = None, signature: str = ""
) -> Any:
    """A ModelSpec."""
    spec = wire.ModelSpec(name=name, signature_name=signature)
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label
    return spec


def build_predict(inputs: Mapping[str, Rows | Any], *wanted: str, packed: bool = True, **spec: Any) -> Any:
    """A PredictRequest: arrays or messages by name, an output filter, and what its ModelSpec says."""
    request = wire.PredictRequest(model_spec=build_spec(**spec), output_filter=wanted)
    for name, value in inputs.items():
        tensor = render_tensor(value, packed=packed) if isinstance(value, np.ndarray) else value
        request.inputs[name].CopyFrom(tensor)
    return request
