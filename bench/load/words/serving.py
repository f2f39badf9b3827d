"""TensorFlow Serving's API: REST by rows and by columns, and gRPC."""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from bench.load.ask import Door, HttpRequest, Reading, Reply, RpcRequest
from bench.load.digits import Digits
from bench.load.words.kind import Kind
from service.wire import tensorflow_serving as serving
from service.wire.tensors import parse_tensor, render_tensor

_PATH = "/v1/models/digits:predict"
_RECONSTRUCTED = ("codes", "reconstructions", "errors", "anomaly_scores")
# REST answers name no version.
_UNNAMED = 0


def _write_rows(digits: Digits) -> HttpRequest:
    return _write_rest({"signature_name": "reconstruct", "instances": digits.inputs.tolist()})


def _write_columns(digits: Digits) -> HttpRequest:
    return _write_rest({"signature_name": "encode", "inputs": {"images": digits.inputs.tolist()}})


def _write_rest(document: Any) -> HttpRequest:
    return HttpRequest(_PATH, orjson.dumps(document), {"Content-Type": "application/json"})


def _write_rpc(digits: Digits) -> RpcRequest:
    request = serving.PredictRequest()
    request.model_spec.name = "digits"
    request.model_spec.signature_name = "reconstruct"
    request.inputs["images"].CopyFrom(render_tensor(digits.inputs))
    return RpcRequest(serving.PREDICT.path, request.SerializeToString())


def _read_rows(reply: Reply) -> Reading:
    rows = orjson.loads(reply.body)["predictions"]
    return Reading(_UNNAMED, {name: _retype(name, [row[name] for row in rows]) for name in rows[0]})


def _read_columns(reply: Reply) -> Reading:
    return Reading(_UNNAMED, {"codes": _retype("codes", orjson.loads(reply.body)["outputs"])})


def _read_rpc(reply: Reply) -> Reading:
    answer = serving.PredictResponse.FromString(reply.body)
    outputs = {name: parse_tensor(tensor) for name, tensor in answer.outputs.items()}
    return Reading(answer.model_spec.version.value, outputs)


def _retype(name: str, values: Any) -> NDArray[Any]:
    """JSON has one kind of number."""
    return np.array(values, np.uint8 if name == "reconstructions" else np.float32)


KINDS = (
    Kind(Door.TFS_REST, "reconstruct, rows", (1, 8), _RECONSTRUCTED, _write_rows, _read_rows),
    Kind(Door.TFS_REST, "encode, columns", (1, 64), ("codes",), _write_columns, _read_columns),
    Kind(Door.TFS_GRPC, "reconstruct", (1, 8, 64, 512), _RECONSTRUCTED, _write_rpc, _read_rpc),
)
"""What callers ask of these doors."""
