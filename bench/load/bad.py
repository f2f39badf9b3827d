"""Bad input with the refusal that the documents promise."""

from collections.abc import Iterator

import numpy as np
import orjson

from bench.load.digits import Digits
from bench.words import grpc
from bench.words.ask import Door, HttpRequest, Request, RpcRequest
from service.images import render_npy, render_png
from service.wire import inference_pb2 as inference
from service.wire import tensorflow_serving as serving
from service.wire.tensors import render_tensor

_OCTETS = {"Content-Type": "application/octet-stream"}
_JSON = {"Content-Type": "application/json"}
_NPY = {"Content-Type": "application/x-npy"}
_INVALID = "INVALID_ARGUMENT"
_SHORT = bytes(783)

BadInput = tuple[Door, str, Request, str, str]
"""Door, name, request, status and reason."""


def list_bad_input(digits: Digits) -> Iterator[BadInput]:
    """Some of every kind for every door."""
    yield from _list_http(digits)
    yield from _list_neighbours(digits)
    yield from _list_rpc(digits)


def _list_http(digits: Digits) -> Iterator[BadInput]:
    png = render_png(digits.inputs[0])
    torn = png[:45] + bytes([png[45] ^ 255]) + png[46:]
    code = np.full_like(digits.codes[:1], np.nan)
    for name, request, status, reason in (
        ("cut PNG", HttpRequest("/score", png[:-20], {"Content-Type": "image/png"}), "422", "invalid_image"),
        ("corrupt PNG", HttpRequest("/score", torn, {"Content-Type": "image/png"}), "422", "invalid_image"),
        ("783 bytes", HttpRequest("/reconstruct", _SHORT, _OCTETS), "422", "invalid_image"),
        (
            "27 lines",
            HttpRequest("/encode", orjson.dumps({"images": [[[0] * 28] * 27]}), _JSON),
            "422",
            "invalid_image",
        ),
        ("NaN code", HttpRequest("/decode", render_npy(code), _NPY), "422", "invalid_code"),
        ("half JSON", HttpRequest("/encode", b'{"images": [', _JSON), "400", "malformed_request"),
        ("no npy", HttpRequest("/score", b"hello", _NPY), "400", "malformed_request"),
        ("cut form", HttpRequest("/score", b"--b\r\n", _form("b")), "400", "malformed_request"),
        ("text", HttpRequest("/score", b"a,b", {"Content-Type": "text/csv"}), "415", "unsupported_media"),
        ("no such version", HttpRequest("/score?version=999999", bytes(784), _OCTETS), "404", "not_found"),
    ):
        yield Door.HTTP, name, request, status, reason


def _form(boundary: str) -> dict[str, str]:
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def _list_neighbours(digits: Digits) -> Iterator[BadInput]:
    tensor = {"name": "images", "datatype": "UINT8", "shape": [1, 28, 28], "data": [0] * 783}
    infer, predict = "/v2/models/digits-encode/infer", "/v1/models/digits:predict"
    code = orjson.dumps({"signature_name": "decode", "instances": ["no code"]})
    image = orjson.dumps({"signature_name": "encode", "instances": digits.inputs[:1, :27].tolist()})
    yield from (
        (Door.OIP_REST, "783 numbers", HttpRequest(infer, orjson.dumps({"inputs": [tensor]}), _JSON), "400", ""),
        (Door.OIP_REST, "half JSON", HttpRequest(infer, b"{", _JSON), "400", ""),
        (Door.OIP_REST, "no such model", HttpRequest("/v2/models/x/infer", b"{}", _JSON), "404", ""),
        (Door.TFS_REST, "text as code", HttpRequest(predict, code, _JSON), "400", ""),
        (Door.TFS_REST, "27 lines", HttpRequest(predict, image, _JSON), "400", ""),
        (Door.TFS_REST, "half JSON", HttpRequest(predict, b"{", _JSON), "400", ""),
    )


def _list_rpc(digits: Digits) -> Iterator[BadInput]:
    short = np.zeros((1, 783), np.uint8)
    code = np.full_like(digits.codes[:1], np.nan)
    encode, decode = grpc.PACKED.write("encode", short), grpc.PACKED.write("decode", code)
    stream = grpc.STREAM.write("reconstruct", short)
    yield Door.GRPC, "783 bytes", encode, _INVALID, "invalid_image"
    yield Door.GRPC, "NaN code", decode, _INVALID, "invalid_code"
    yield Door.GRPC, "no message", RpcRequest("/digitcodec.v1.Codec/Score", b"\xff"), _INVALID, "malformed_request"
    yield Door.STREAM, "783 bytes", stream, _INVALID, "invalid_image"
    yield Door.OIP_GRPC, "783 bytes", _write_infer(), _INVALID, "malformed_request"
    yield Door.TFS_GRPC, "no such model", _write_predict(digits), "NOT_FOUND", "not_found"


def _write_infer() -> RpcRequest:
    tensor = inference.ModelInferRequest.InferInputTensor(name="images", datatype="UINT8", shape=[1, 28, 28])
    request = inference.ModelInferRequest(model_name="digits-encode", inputs=[tensor], raw_input_contents=[_SHORT])
    return RpcRequest("/inference.GRPCInferenceService/ModelInfer", request.SerializeToString())


def _write_predict(digits: Digits) -> RpcRequest:
    request = serving.PredictRequest()
    request.model_spec.name = "nobody"
    request.inputs["images"].CopyFrom(render_tensor(digits.inputs[:1]))
    return RpcRequest(serving.PREDICT.path, request.SerializeToString())
