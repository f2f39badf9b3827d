"""Calls by `tritonclient`, a client that nobody here wrote.

Its generated messages have the names of ours, and one process can hold only one of them. So these functions run in a
process of their own, import the client late, and take and return plain values.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Protocol = Literal["http", "grpc"]


@dataclass(frozen=True)
class TritonCall:
    """One inference.

    Attributes:
        array: The input; bytes objects for BYTES.
        model: The model.
        name: The input's name.
        version: The model's version.
        outputs: Names of what is wanted; empty for all.
        parameters: Values beside the tensors.
        binary: Tensors as bytes behind the JSON; over gRPC they always are.
        compression: How the request is compressed.
        id: The caller's id.
    """

    array: NDArray[Any]
    model: str = "digits-reconstruct"
    name: str = "images"
    version: str = ""
    outputs: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    binary: bool = True
    compression: str | None = None
    id: str = ""


@dataclass(frozen=True)
class TritonAnswer:
    """What came back, or how it failed.

    Attributes:
        outputs: Arrays by name.
        version: The version that answered.
        id: The caller's id.
        status: The status of an InferenceServerException, else None.
        message: Its text.
    """

    outputs: dict[str, NDArray[Any]] = field(default_factory=dict)
    version: str = ""
    id: str = ""
    status: str | None = None
    message: str = ""


def ask_pages(protocol: Protocol, address: str) -> dict[str, Any]:
    """Health, metadata and index, each as the client returns it."""
    # Over HTTP they are JSON already.
    as_json = {"as_json": True} if protocol == "grpc" else {}
    with _open(protocol, address) as (_, client):
        index = client.get_model_repository_index(**as_json)
        return {
            "live": client.is_server_live(),
            "ready": client.is_server_ready(),
            "model ready": client.is_model_ready("digits-encode", "1"),
            "server": client.get_server_metadata(**as_json),
            "model": client.get_model_metadata("digits-encode", **as_json),
            "index": index["models"] if protocol == "grpc" else index,
        }


def infer(protocol: Protocol, address: str, call: TritonCall) -> TritonAnswer:
    """Run a model."""
    from tritonclient.utils import InferenceServerException

    with _open(protocol, address) as (library, client):
        try:
            result = client.infer(call.model, **_build_request(protocol, library, call))
        except InferenceServerException as error:
            return TritonAnswer(status=error.status(), message=error.message())
        response = result.get_response(**({"as_json": True} if protocol == "grpc" else {}))
        outputs = {output["name"]: result.as_numpy(output["name"]) for output in response["outputs"]}
        return TritonAnswer(outputs, response["model_version"], response.get("id", ""))


@contextmanager
def _open(protocol: Protocol, address: str) -> Iterator[tuple[ModuleType, Any]]:
    """The client's module for a protocol, and a client of the server at host:port."""
    from importlib import import_module

    library = import_module(f"tritonclient.{protocol}")
    with library.InferenceServerClient(address) as client:
        yield library, client


def _build_request(protocol: Protocol, library: ModuleType, call: TritonCall) -> dict[str, Any]:
    from tritonclient.utils import np_to_triton_dtype

    tensor = library.InferInput(call.name, list(call.array.shape), np_to_triton_dtype(call.array.dtype))
    form = {"binary_data": call.binary} if protocol == "http" else {}
    tensor.set_data_from_numpy(call.array, **form)
    compression = "request_compression_algorithm" if protocol == "http" else "compression_algorithm"
    return {
        "inputs": [tensor],
        "outputs": [library.InferRequestedOutput(name, **form) for name in call.outputs] or None,
        "model_version": call.version,
        "request_id": call.id,
        "parameters": call.parameters or None,
        compression: call.compression,
    }


def as_bytes_tensor(files: list[bytes]) -> NDArray[Any]:
    """A BYTES tensor of one file an element."""
    array = np.empty(len(files), np.object_)
    array[:] = files
    return array
