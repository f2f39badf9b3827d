"""The Open Inference Protocol: REST with JSON and with binary tensors, and gRPC."""

import itertools
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from bench.load.ask import Door, HttpRequest, Reading, Reply, RpcRequest
from bench.load.digits import Digits
from bench.load.words.kind import Kind
from service.wire import inference_pb2 as inference

_TYPES = {"UINT8": "u1", "FP32": "<f4"}
_LENGTH = "Inference-Header-Content-Length"
_RECONSTRUCTED = ("codes", "reconstructions", "errors", "anomaly_scores")


def _describe(digits: Digits) -> dict[str, Any]:
    return {"name": "images", "datatype": "UINT8", "shape": list(digits.inputs.shape)}


def _find_path(signature: str) -> str:
    return f"/v2/models/digits-{signature}/infer"


def _write_json(digits: Digits) -> HttpRequest:
    tensor = {**_describe(digits), "data": digits.inputs.ravel().tolist()}
    return HttpRequest(_find_path("encode"), orjson.dumps({"inputs": [tensor]}), {"Content-Type": "application/json"})


def _write_binary(digits: Digits) -> HttpRequest:
    data = digits.inputs.tobytes()
    tensor = {**_describe(digits), "parameters": {"binary_data_size": len(data)}}
    head = orjson.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}})
    headers = {"Content-Type": "application/octet-stream", _LENGTH: str(len(head))}
    return HttpRequest(_find_path("reconstruct"), head + data, headers)


def _write_rpc(digits: Digits) -> RpcRequest:
    request = inference.ModelInferRequest(
        model_name="digits-reconstruct",
        inputs=[inference.ModelInferRequest.InferInputTensor(**_describe(digits))],
        raw_input_contents=[digits.inputs.tobytes()],
    )
    return RpcRequest("/inference.GRPCInferenceService/ModelInfer", request.SerializeToString())


def _read_json(reply: Reply) -> Reading:
    answer = orjson.loads(reply.body)
    outputs = {each["name"]: _shape(np.array(each["data"]), each) for each in answer["outputs"]}
    return Reading(int(answer["model_version"]), outputs)


def _read_binary(reply: Reply) -> Reading:
    length = int(reply.find_header(_LENGTH.lower()) or 0)
    answer, data = orjson.loads(reply.body[:length]), reply.body[length:]
    sizes = [each["parameters"]["binary_data_size"] for each in answer["outputs"]]
    ends = itertools.accumulate(sizes, initial=0)
    outputs = {
        each["name"]: _shape(np.frombuffer(data[start:end], _TYPES[each["datatype"]]), each)
        for each, (start, end) in zip(answer["outputs"], itertools.pairwise(ends), strict=True)
    }
    return Reading(int(answer["model_version"]), outputs)


def _read_rpc(reply: Reply) -> Reading:
    answer = inference.ModelInferResponse.FromString(reply.body)
    outputs = {
        each.name: np.frombuffer(raw, _TYPES[each.datatype]).reshape(each.shape)
        for each, raw in zip(answer.outputs, answer.raw_output_contents, strict=True)
    }
    return Reading(int(answer.model_version), outputs)


def _shape(values: NDArray[Any], tensor: dict[str, Any]) -> NDArray[Any]:
    return values.astype(_TYPES[tensor["datatype"]]).reshape(tensor["shape"])


KINDS = (
    Kind(Door.OIP_REST, "encode, JSON", (1, 8), ("codes",), _write_json, _read_json),
    Kind(Door.OIP_REST, "reconstruct, binary", (1, 8, 64), _RECONSTRUCTED, _write_binary, _read_binary),
    Kind(Door.OIP_GRPC, "reconstruct", (1, 8, 64, 512), _RECONSTRUCTED, _write_rpc, _read_rpc),
)
"""What callers ask of these doors."""
