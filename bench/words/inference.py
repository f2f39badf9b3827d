"""The Open Inference Protocol: REST with JSON and with binary tensors, and gRPC."""

import itertools
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from bench.words.ask import HttpRequest, Reading, Reply, RpcRequest
from bench.words.form import INPUTS, Form
from service.wire import inference_pb2 as inference

_TYPES = {"UINT8": "u1", "FP32": "<f4"}
_LENGTH = "Inference-Header-Content-Length"


def _describe(signature: str, rows: NDArray[Any]) -> dict[str, Any]:
    datatype = "UINT8" if rows.dtype == np.uint8 else "FP32"
    return {"name": INPUTS[signature], "datatype": datatype, "shape": list(rows.shape)}


def _name_model(signature: str) -> str:
    return f"digits-{signature}"


def _find_path(signature: str) -> str:
    return f"/v2/models/{_name_model(signature)}/infer"


def _write_json(signature: str, rows: NDArray[Any]) -> HttpRequest:
    tensor = {**_describe(signature, rows), "data": rows.ravel().tolist()}
    return HttpRequest(_find_path(signature), orjson.dumps({"inputs": [tensor]}), {"Content-Type": "application/json"})


def _write_binary(signature: str, rows: NDArray[Any]) -> HttpRequest:
    data = rows.tobytes()
    tensor = {**_describe(signature, rows), "parameters": {"binary_data_size": len(data)}}
    head = orjson.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}})
    headers = {"Content-Type": "application/octet-stream", _LENGTH: str(len(head))}
    return HttpRequest(_find_path(signature), head + data, headers)


def _write_rpc(signature: str, rows: NDArray[Any]) -> RpcRequest:
    request = inference.ModelInferRequest(
        model_name=_name_model(signature),
        inputs=[inference.ModelInferRequest.InferInputTensor(**_describe(signature, rows))],
        raw_input_contents=[rows.tobytes()],
    )
    return RpcRequest("/inference.GRPCInferenceService/ModelInfer", request.SerializeToString())


def _read_json(_: str, reply: Reply) -> Reading:
    answer = orjson.loads(reply.body)
    outputs = {each["name"]: _shape(np.array(each["data"]), each) for each in answer["outputs"]}
    return Reading(int(answer["model_version"]), outputs)


def _read_binary(_: str, reply: Reply) -> Reading:
    length = int(reply.find_header(_LENGTH.lower()) or 0)
    answer, data = orjson.loads(reply.body[:length]), reply.body[length:]
    sizes = [each["parameters"]["binary_data_size"] for each in answer["outputs"]]
    ends = itertools.accumulate(sizes, initial=0)
    outputs = {
        each["name"]: _shape(np.frombuffer(data[start:end], _TYPES[each["datatype"]]), each)
        for each, (start, end) in zip(answer["outputs"], itertools.pairwise(ends), strict=True)
    }
    return Reading(int(answer["model_version"]), outputs)


def _read_rpc(_: str, reply: Reply) -> Reading:
    answer = inference.ModelInferResponse.FromString(reply.body)
    outputs = {
        each.name: np.frombuffer(raw, _TYPES[each.datatype]).reshape(each.shape)
        for each, raw in zip(answer.outputs, answer.raw_output_contents, strict=True)
    }
    return Reading(int(answer.model_version), outputs)


def _shape(values: NDArray[Any], tensor: dict[str, Any]) -> NDArray[Any]:
    return values.astype(_TYPES[tensor["datatype"]]).reshape(tensor["shape"])


JSON = Form(_write_json, _read_json)
"""Tensors as lists of numbers."""

BINARY = Form(_write_binary, _read_binary)
"""Tensors as bytes behind the JSON that describes them."""

RPC = Form(_write_rpc, _read_rpc)
"""Raw tensors over gRPC."""
