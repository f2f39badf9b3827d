"""Requests of the Open Inference Protocol, and arrays out of its answers."""

import json
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray
from support.fakes import count_images

from service.wire import inference_pb2 as pb

IMAGES = count_images(2)
PIXELS = IMAGES.ravel().tolist()
HEADER = "inference-header-content-length"
DTYPES = {"UINT8": np.uint8, "FP32": np.float32}


def tensor(
    data: Any = None, *, name: str = "images", datatype: str = "UINT8", shape: Any = (2, 28, 28), **more: Any
) -> dict[str, Any]:
    """One input over REST; two images unless told otherwise."""
    document = {"name": name, "datatype": datatype, "shape": shape, **more}
    return document if data is None else {**document, "data": data}


def binary_tensor(raw: bytes, **more: Any) -> dict[str, Any]:
    """The same with its bytes behind the JSON."""
    return tensor(**more, parameters={"binary_data_size": len(raw)})


def binary_body(document: dict[str, Any], *buffers: bytes) -> dict[str, Any]:
    """A request with the bytes of tensors behind its JSON."""
    header = json.dumps(document).encode()
    return {"content": b"".join([header, *buffers]), "headers": {HEADER: str(len(header))}}


def prefix(*elements: bytes) -> bytes:
    """The bytes of a BYTES tensor."""
    return b"".join(len(element).to_bytes(4, "little") + element for element in elements)


def read_outputs(answer: httpx.Response) -> dict[str, NDArray[Any]]:
    """Arrays out of an answer over REST, of either form."""
    length = answer.headers.get(HEADER)
    header, buffer = (answer.content, b"") if length is None else _cut(answer.content, int(length))
    outputs = {}
    for output in json.loads(header)["outputs"]:
        dtype = DTYPES[output["datatype"]]
        if "data" in output:
            array = np.array(output["data"], dtype)
        else:
            own, buffer = _cut(buffer, output["parameters"]["binary_data_size"])
            array = np.frombuffer(own, dtype)
        outputs[output["name"]] = array.reshape(output["shape"])
    assert not buffer
    return outputs


def read_message(answer: pb.ModelInferResponse) -> dict[str, NDArray[Any]]:
    """Arrays out of an answer over gRPC, of either form."""
    outputs = {}
    for index, output in enumerate(answer.outputs):
        dtype = DTYPES[output.datatype]
        if answer.raw_output_contents:
            array = np.frombuffer(answer.raw_output_contents[index], dtype)
        else:
            contents = output.contents
            array = np.array([*contents.uint_contents, *contents.fp32_contents], dtype)
        outputs[output.name] = array.reshape(tuple(output.shape))
    return outputs


def _cut(data: bytes, at: int) -> tuple[bytes, bytes]:
    return data[:at], data[at:]
