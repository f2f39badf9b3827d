"""A client for every door of a running service, all with the same three calls: for parity tests and measurements.

They speak the protocols by hand, as plainly as can be, so that what travels can be seen and counted.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
import httpx
import numpy as np
import orjson
from numpy.typing import NDArray

from bench.running import RunningService
from service.domain import Codes, Floats, Images
from service.images import parse_npy, render_npy
from service.wire import codec_pb2 as codec
from service.wire import inference_pb2 as inference
from service.wire import tensorflow_serving as serving
from service.wire.codec_pb2_grpc import CodecStub
from service.wire.inference_pb2_grpc import GRPCInferenceServiceStub
from service.wire.tensors import parse_tensor, render_tensor

Outputs = dict[str, NDArray[Any]]

_TIMEOUT_S = 60.0
_RAW = {"Content-Type": "application/octet-stream"}
_NPY = {"Content-Type": "application/x-npy", "Accept": "application/x-npy"}
_JSON = {"Content-Type": "application/json"}
# Messages of 4,096 images are 3 MiB and more; gRPC's own limit is 4.
_CHANNEL_OPTIONS = [("grpc.max_receive_message_length", 2**26), ("grpc.max_send_message_length", 2**26)]
_TYPES = {"UINT8": "u1", "FP32": "<f4"}
_INPUTS = {"encode": "images", "decode": "codes", "reconstruct": "images"}


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """What `reconstruct` answers through any door.

    Attributes:
        pictures: uint8 (n, 28, 28).
        errors: float32 (n,).
        anomaly_scores: float32 (n,).
    """

    pictures: Images
    errors: Floats
    anomaly_scores: Floats


class DoorClient(Protocol):
    """One door of a running service."""

    def encode(self, images: Images) -> Codes:
        """Codes of images."""

    def decode(self, codes: Codes) -> Images:
        """Images of codes."""

    def reconstruct(self, images: Images) -> Reconstruction:
        """Cleaned pictures, errors and scores of images."""


class _Http:
    """Our own HTTP: raw rows in, JSON or npy out."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def encode(self, images: Images) -> Codes:
        return _floats(self._post("/encode", images.tobytes(), _RAW).json()["codes"])

    def decode(self, codes: Codes) -> Images:
        return parse_npy(self._post("/decode", render_npy(codes), _NPY).content)

    def reconstruct(self, images: Images) -> Reconstruction:
        pictures = parse_npy(self._post("/reconstruct", images.tobytes(), {**_RAW, "Accept": _NPY["Accept"]}).content)
        verdicts = self._post("/score", images.tobytes(), _RAW).json()
        return Reconstruction(pictures, _floats(verdicts["errors"]), _floats(verdicts["anomaly_scores"]))

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        return self._client.post(path, content=body, headers=headers).raise_for_status()


class _Grpc:
    """Our own gRPC, unary and packed."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = CodecStub(channel)

    def encode(self, images: Images) -> Codes:
        codes = self._stub.Encode(codec.EncodeRequest(images=_pack(images)), timeout=_TIMEOUT_S).codes
        return np.frombuffer(codes.packed, "<f4").reshape(-1, codes.code_dim)

    def decode(self, codes: Codes) -> Images:
        packed = codec.Codes(packed=codes.astype("<f4").tobytes(), code_dim=codes.shape[1])
        return _pictures(self._stub.Decode(codec.DecodeRequest(codes=packed), timeout=_TIMEOUT_S).images)

    def reconstruct(self, images: Images) -> Reconstruction:
        answer = self._stub.Reconstruct(codec.ReconstructRequest(images=_pack(images)), timeout=_TIMEOUT_S)
        return _join_reconstructions([answer])


class _GrpcStream(_Grpc):
    """Our own gRPC; pictures travel one by one over a stream."""

    def reconstruct(self, images: Images) -> Reconstruction:
        requests = (
            codec.ReconstructStreamRequest(id=str(number), request=codec.ReconstructRequest(images=_pack(image[None])))
            for number, image in enumerate(images)
        )
        answers = list(self._stub.ReconstructStream(requests, timeout=_TIMEOUT_S))
        if [answer.id for answer in answers] != [str(number) for number in range(len(images))]:
            raise AssertionError("the answers of the stream are out of order")
        return _join_reconstructions([answer.response for answer in answers])


class _Signatures:
    """Doors that call signatures by name with one input and named outputs."""

    def __init__(self, run: Callable[[str, NDArray[Any]], Outputs]) -> None:
        self._run = run

    def encode(self, images: Images) -> Codes:
        return self._run("encode", images)["codes"]

    def decode(self, codes: Codes) -> Images:
        return self._run("decode", codes)["images"]

    def reconstruct(self, images: Images) -> Reconstruction:
        outputs = self._run("reconstruct", images)
        return Reconstruction(outputs["reconstructions"], outputs["errors"], outputs["anomaly_scores"])


def _run_inference_json(client: httpx.Client, signature: str, rows: NDArray[Any]) -> Outputs:
    tensor = {**_describe(signature, rows), "data": rows.ravel().tolist()}
    answer = client.post(_infer_path(signature), json={"inputs": [tensor]}).raise_for_status().json()
    return {each["name"]: _shape(np.array(each["data"]), each) for each in answer["outputs"]}


def _run_inference_binary(client: httpx.Client, signature: str, rows: NDArray[Any]) -> Outputs:
    data = rows.tobytes()
    tensor = {**_describe(signature, rows), "parameters": {"binary_data_size": len(data)}}
    head = orjson.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}})
    headers = {**_RAW, "Inference-Header-Content-Length": str(len(head))}
    answer = client.post(_infer_path(signature), content=head + data, headers=headers).raise_for_status()
    length = int(answer.headers["Inference-Header-Content-Length"])
    body, outputs = answer.content[length:], orjson.loads(answer.content[:length])["outputs"]
    ends = list(itertools.accumulate((each["parameters"]["binary_data_size"] for each in outputs), initial=0))
    return {
        each["name"]: _shape(np.frombuffer(body[start:end], _TYPES[each["datatype"]]), each)
        for each, start, end in zip(outputs, ends[:-1], ends[1:], strict=True)
    }


def _run_inference_grpc(stub: Any, signature: str, rows: NDArray[Any]) -> Outputs:
    tensor = inference.ModelInferRequest.InferInputTensor(**_describe(signature, rows))
    request = inference.ModelInferRequest(
        model_name=f"digits-{signature}", inputs=[tensor], raw_input_contents=[rows.tobytes()]
    )
    answer = stub.ModelInfer(request, timeout=_TIMEOUT_S)
    return {
        each.name: np.frombuffer(raw, _TYPES[each.datatype]).reshape(each.shape)
        for each, raw in zip(answer.outputs, answer.raw_output_contents, strict=True)
    }


def _run_serving_row(client: httpx.Client, signature: str, rows: NDArray[Any]) -> Outputs:
    body = {"signature_name": signature, "instances": rows.tolist()}
    predictions = _predict(client, body)["predictions"]
    if signature != "reconstruct":  # one output comes bare
        return {"codes" if signature == "encode" else "images": _retype(np.array(predictions))}
    return {name: _retype(np.array([row[name] for row in predictions])) for name in predictions[0]}


def _run_serving_column(client: httpx.Client, signature: str, rows: NDArray[Any]) -> Outputs:
    body = {"signature_name": signature, "inputs": {_INPUTS[signature]: rows.tolist()}}
    outputs = _predict(client, body)["outputs"]
    if signature != "reconstruct":
        return {"codes" if signature == "encode" else "images": _retype(np.array(outputs))}
    return {name: _retype(np.array(values)) for name, values in outputs.items()}


def _run_serving_grpc(call: Any, signature: str, rows: NDArray[Any]) -> Outputs:
    request = serving.PredictRequest()
    request.model_spec.name = "digits"
    request.model_spec.signature_name = signature
    request.inputs[_INPUTS[signature]].CopyFrom(render_tensor(rows))
    answer = call(request, timeout=_TIMEOUT_S)
    return {name: parse_tensor(tensor) for name, tensor in answer.outputs.items()}


@contextmanager
def open_doors(service: RunningService) -> Iterator[dict[str, DoorClient]]:
    """A client of every door of a gateway, by name."""
    with ExitStack() as stack:
        http = stack.enter_context(httpx.Client(base_url=service.url, timeout=_TIMEOUT_S))
        channel = stack.enter_context(grpc.insecure_channel(service.grpc, options=_CHANNEL_OPTIONS))
        stub, predict = GRPCInferenceServiceStub(channel), open_method(channel, serving.PREDICT)
        yield {
            "HTTP": _Http(http),
            "gRPC unary": _Grpc(channel),
            "gRPC stream": _GrpcStream(channel),
            "OIP REST, JSON": _Signatures(lambda name, rows: _run_inference_json(http, name, rows)),
            "OIP REST, binary": _Signatures(lambda name, rows: _run_inference_binary(http, name, rows)),
            "OIP gRPC": _Signatures(lambda name, rows: _run_inference_grpc(stub, name, rows)),
            "TF Serving REST, rows": _Signatures(lambda name, rows: _run_serving_row(http, name, rows)),
            "TF Serving REST, columns": _Signatures(lambda name, rows: _run_serving_column(http, name, rows)),
            "TF Serving gRPC": _Signatures(lambda name, rows: _run_serving_grpc(predict, name, rows)),
        }


def open_method(channel: grpc.Channel, method: serving.Method) -> Any:
    """A method of TensorFlow Serving on a channel."""
    return channel.unary_unary(
        method.path,
        request_serializer=method.request.SerializeToString,
        response_deserializer=method.response.FromString,
    )


def _floats(values: Any) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def _pictures(data: bytes) -> Images:
    return np.frombuffer(data, np.uint8).reshape(-1, 28, 28)


def _pack(images: Images) -> codec.Images:
    return codec.Images(packed=images.tobytes())


def _join_reconstructions(answers: list[codec.ReconstructResponse]) -> Reconstruction:
    return Reconstruction(
        _pictures(b"".join(answer.reconstructions for answer in answers)),
        _floats([error for answer in answers for error in answer.verdicts.errors]),
        _floats([score for answer in answers for score in answer.verdicts.anomaly_scores]),
    )


def _infer_path(signature: str) -> str:
    return f"/v2/models/digits-{signature}/infer"


def _describe(signature: str, rows: NDArray[Any]) -> dict[str, Any]:
    datatype = "UINT8" if rows.dtype == np.uint8 else "FP32"
    return {"name": _INPUTS[signature], "datatype": datatype, "shape": list(rows.shape)}


def _shape(values: NDArray[Any], tensor: dict[str, Any]) -> NDArray[Any]:
    return values.astype(_TYPES[tensor["datatype"]]).reshape(tensor["shape"])


def _predict(client: httpx.Client, body: dict[str, Any]) -> Any:
    answer = client.post("/v1/models/digits:predict", content=orjson.dumps(body), headers=_JSON)
    return answer.raise_for_status().json()


def _retype(values: NDArray[Any]) -> NDArray[Any]:
    """JSON has one kind of number; pictures are integers, everything else is float32."""
    return values.astype(np.uint8 if values.dtype.kind in "iu" else np.float32)
