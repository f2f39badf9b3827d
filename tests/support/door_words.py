"""One request written in the words of every protocol, as plainly as each has it."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import numpy as np
import orjson
from numpy.typing import NDArray
from support.fakes import count_images
from support.inference_calls import HEADER, binary_body, prefix
from support.tfserving_door import build_predict

from service.api.inference.datatypes import find_datatype
from service.images import render_npy
from service.wire import codec_pb2 as codec
from service.wire import inference_pb2 as inference
from service.wire import tensorflow_serving as serving

Array = NDArray[Any]

Status = int | str
"""An HTTP status, or the name of a gRPC one."""

HTTP, GRPC, STREAM = "HTTP", "gRPC unary", "gRPC stream"

OIP_JSON, OIP_BINARY, OIP_GRPC = "OIP REST, JSON", "OIP REST, binary", "OIP gRPC"

TFS_ROWS, TFS_COLUMNS, TFS_GRPC = "TF Serving REST, rows", "TF Serving REST, columns", "TF Serving gRPC"

OUR_GRPC = (GRPC, STREAM)

OIP = (OIP_JSON, OIP_BINARY, OIP_GRPC)

TFS_REST = (TFS_ROWS, TFS_COLUMNS)

TFS = (*TFS_REST, TFS_GRPC)

ALL_RPC = (*OUR_GRPC, OIP_GRPC, TFS_GRPC)

DOORS = (HTTP, *OUR_GRPC, *OIP, *TFS)

_SLASHED = "/{}/{}".format

_ENCODE = _SLASHED("digitcodec.v1.Codec", "Encode")

_DECODE = _SLASHED("digitcodec.v1.Codec", "Decode")

STREAM_PATH = _SLASHED("digitcodec.v1.Codec", "ReconstructStream")

_INFER = _SLASHED("inference.GRPCInferenceService", "ModelInfer")

_PREPROCESS = {"": 0, "mnist": 1, "unknown": 7}


@dataclass(frozen=True, slots=True)
class Rest:
    """A request over HTTP."""

    path: str
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Rpc:
    """A call over gRPC; the path of the stream makes it one request of a stream."""

    path: str
    message: bytes


Request = Rest | Rpc


class UnsayableError(Exception):
    """A protocol has no words for a request; the text says why."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a caller wants, in the words of no protocol: one of images, files and codes, and how.

    Attributes:
        images: Pixels of any type and shape.
        files: Image files.
        codes: Codes of any type and shape.
        version: A version of the model.
        label: The label of a version.
        model: The name of the model.
        signature: What to run; by default what suits the rows.
        preprocess: How strange files are treated.
        outputs: Which outputs are wanted; all if none is named.
    """

    images: Array | None = None
    files: tuple[bytes, ...] = ()
    codes: Array | None = None
    version: int | None = None
    label: str | None = None
    model: str = "digits"
    signature: str = ""
    preprocess: str = ""
    outputs: tuple[str, ...] = ()

    @property
    def runs(self) -> str:
        """The signature that is asked for."""
        return self.signature or ("encode" if self.codes is None else "decode")

    @property
    def rows(self) -> Array:
        """The numbers that are sent."""
        rows = self.images if self.codes is None else self.codes
        if rows is None:
            raise UnsayableError("this protocol has numbers alone, no image files")
        return rows

    @property
    def input_name(self) -> str:
        """The signature's input."""
        return "images" if self.codes is None else "codes"


GOOD = Ask(images=count_images(1))


def write(ask: Ask, door: str) -> Request:
    """The request in the words of a door.

    Raises:
        UnsayableError: If it has none for it.
    """
    return _WRITERS[door](ask)


def dump(document: Any) -> bytes:
    """JSON, of arrays too."""
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def write_rest(path: str, document: Any, **headers: str) -> Rest:
    """A request with a JSON document."""
    return Rest(path, dump(document), {"content-type": "application/json", **headers})


def write_stream(request: codec.ReconstructRequest) -> Rpc:
    """One request of a stream."""
    return Rpc(STREAM_PATH, codec.ReconstructStreamRequest(id="1", request=request).SerializeToString())


def write_infer(message: inference.ModelInferRequest) -> Rpc:
    """A call of the Open Inference Protocol."""
    return Rpc(_INFER, message.SerializeToString())


def write_predict(message: Any) -> Rpc:
    """A call of TensorFlow Serving's API."""
    return Rpc(serving.PREDICT.path, message.SerializeToString())


def write_unary(message: codec.EncodeRequest | codec.DecodeRequest) -> Rpc:
    """A call of our own contract."""
    return Rpc(_ENCODE if isinstance(message, codec.EncodeRequest) else _DECODE, message.SerializeToString())


def _write_http(ask: Ask) -> Rest:
    _refuse_names(ask)
    query = {name: getattr(ask, name) for name in ("version", "label", "preprocess") if getattr(ask, name)}
    path = f"/{ask.runs}?{urlencode(query)}"
    if ask.files:
        return write_rest(path, {"images": _to_base64(ask.files)})
    if not np.isfinite(ask.rows).all():
        return Rest(path, render_npy(ask.rows), {"content-type": "application/x-npy"})
    return write_rest(path, {ask.input_name: ask.rows})


def _write_grpc(ask: Ask) -> Rpc:
    _refuse_names(ask)
    _refuse_signature(ask)
    if ask.codes is None:
        return write_unary(codec.EncodeRequest(**_describe_images(ask)))
    if ask.codes.dtype != np.float32:
        raise UnsayableError("a packed code is float32")
    packed = codec.Codes(packed=ask.codes.tobytes(), code_dim=ask.codes.shape[1])
    return write_unary(codec.DecodeRequest(codes=packed, model=_select(ask)))


def _write_stream(ask: Ask) -> Rpc:
    _refuse_names(ask)
    _refuse_signature(ask)
    if ask.codes is not None:
        raise UnsayableError("the stream takes images alone")
    return write_stream(codec.ReconstructRequest(**_describe_images(ask)))


def _describe_images(ask: Ask) -> dict[str, Any]:
    if ask.files:
        images = codec.Images(files=codec.EncodedFiles(files=ask.files))
    elif ask.rows.dtype == np.uint8:
        images = codec.Images(packed=ask.rows.tobytes())
    else:
        raise UnsayableError("a packed pixel is one byte")
    return {"images": images, "model": _select(ask), "preprocess": _PREPROCESS[ask.preprocess]}


def _select(ask: Ask) -> codec.ModelSelector:
    if ask.label is not None:
        return codec.ModelSelector(label=ask.label)
    return codec.ModelSelector() if ask.version is None else codec.ModelSelector(version=ask.version)


def _refuse_names(ask: Ask) -> None:
    """Our own contracts serve one model, and have a route or a method for each operation with its own answer."""
    if ask.model != GOOD.model:
        raise UnsayableError("our own contract has no names of models")
    if ask.outputs:
        raise UnsayableError("an operation of our own contract has its own outputs")


def _refuse_signature(ask: Ask) -> None:
    if ask.signature:
        raise UnsayableError("a method that is not there never reaches the door: gRPC itself says UNIMPLEMENTED")


def _write_inference(ask: Ask) -> tuple[str, dict[str, Any], bytes]:
    """Path, document without data, and data as bytes."""
    version = ask.label or ask.version
    path = f"/v2/models/{ask.model}{f'/versions/{version}' if version else ''}/infer"
    parameters = {"signature_name": ask.runs, **({"preprocess": ask.preprocess} if ask.preprocess else {})}
    if ask.files:
        tensor, data = {"datatype": "BYTES", "shape": [len(ask.files)]}, prefix(*ask.files)
    else:
        tensor = {"datatype": find_datatype(ask.rows.dtype), "shape": list(ask.rows.shape)}
        data = ask.rows.tobytes()
    document = {"inputs": [{"name": ask.input_name, **tensor}], "parameters": parameters}
    if ask.outputs:
        document["outputs"] = [{"name": name} for name in ask.outputs]
    return path, document, data


def _write_inference_json(ask: Ask) -> Rest:
    path, document, _ = _write_inference(ask)
    if not ask.files and not np.isfinite(ask.rows).all():
        raise UnsayableError("JSON has finite numbers alone")
    document["inputs"][0]["data"] = _to_base64(ask.files) if ask.files else ask.rows.ravel()
    return write_rest(path, document)


def _write_inference_binary(ask: Ask) -> Rest:
    path, document, data = _write_inference(ask)
    document["inputs"][0]["parameters"] = {"binary_data_size": len(data)}
    return write_binary(path, document, data)


def write_binary(path: str, document: Any, data: bytes = b"") -> Rest:
    """A request of the binary tensor extension."""
    body = binary_body(document, data)
    return Rest(path, body["content"], {"content-type": "application/octet-stream", HEADER: body["headers"][HEADER]})


def _write_inference_grpc(ask: Ask) -> Rpc:
    _, document, data = _write_inference(ask)
    message = inference.ModelInferRequest(
        model_name=ask.model,
        model_version=str(ask.label or ask.version or ""),
        inputs=[inference.ModelInferRequest.InferInputTensor(**tensor) for tensor in document["inputs"]],
        outputs=[inference.ModelInferRequest.InferRequestedOutputTensor(name=name) for name in ask.outputs],
        raw_input_contents=[data],
    )
    for name, value in document["parameters"].items():
        message.parameters[name].string_param = value
    return write_infer(message)


def _write_predict_rest(ask: Ask, *, by_rows: bool) -> Rest:
    if ask.outputs:
        raise UnsayableError("TensorFlow Serving's REST API has no output filter")
    if ask.preprocess:
        raise UnsayableError("TensorFlow Serving's API has no image files")
    if not np.isfinite(ask.rows).all():
        raise UnsayableError("JSON has finite numbers alone")
    path = f"/v1/models/{ask.model}"
    path += f"/versions/{ask.version}" if ask.version else f"/labels/{ask.label}" if ask.label else ""
    values = {"instances": ask.rows} if by_rows else {"inputs": {ask.input_name: ask.rows}}
    return write_rest(f"{path}:predict", {"signature_name": ask.runs, **values})


def _write_predict_grpc(ask: Ask) -> Rpc:
    if ask.preprocess:
        raise UnsayableError("TensorFlow Serving's API has no image files")
    spec: dict[str, Any] = {"name": ask.model, "version": ask.version, "label": ask.label, "signature": ask.runs}
    return write_predict(build_predict({ask.input_name: ask.rows}, *ask.outputs, **spec))


def _to_base64(files: tuple[bytes, ...]) -> list[str]:
    return [b64encode(file).decode() for file in files]


_WRITERS: Mapping[str, Callable[[Ask], Request]] = MappingProxyType(
    {
        HTTP: _write_http,
        GRPC: _write_grpc,
        STREAM: _write_stream,
        OIP_JSON: _write_inference_json,
        OIP_BINARY: _write_inference_binary,
        OIP_GRPC: _write_inference_grpc,
        TFS_ROWS: lambda ask: _write_predict_rest(ask, by_rows=True),
        TFS_COLUMNS: lambda ask: _write_predict_rest(ask, by_rows=False),
        TFS_GRPC: _write_predict_grpc,
    }
)
