"""TensorFlow Serving's API: REST by rows and by columns, and gRPC."""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from bench.words.ask import HttpRequest, Reading, Reply, RpcRequest
from bench.words.form import FIRST_OUTPUTS, INPUTS, Form
from service.wire import tensorflow_serving as serving
from service.wire.tensors import parse_tensor, render_tensor

_MODEL = "digits"
# REST answers name no version.
_UNNAMED = 0


def _write_rows(signature: str, rows: NDArray[Any]) -> HttpRequest:
    return _write_rest(signature, {"instances": rows.tolist()})


def _write_columns(signature: str, rows: NDArray[Any]) -> HttpRequest:
    return _write_rest(signature, {"inputs": {INPUTS[signature]: rows.tolist()}})


def _write_rest(signature: str, inputs: dict[str, Any]) -> HttpRequest:
    body = orjson.dumps({"signature_name": signature, **inputs})
    return HttpRequest(f"/v1/models/{_MODEL}:predict", body, {"Content-Type": "application/json"})


def _write_rpc(signature: str, rows: NDArray[Any]) -> RpcRequest:
    request = serving.PredictRequest()
    request.model_spec.name = _MODEL
    request.model_spec.signature_name = signature
    request.inputs[INPUTS[signature]].CopyFrom(render_tensor(rows))
    return RpcRequest(serving.PREDICT.path, request.SerializeToString())


def _read_rows(signature: str, reply: Reply) -> Reading:
    rows = orjson.loads(reply.body)["predictions"]
    if isinstance(rows[0], dict):
        return _build_reading({name: [row[name] for row in rows] for name in rows[0]})
    return _build_reading({FIRST_OUTPUTS[signature]: rows})


def _read_columns(signature: str, reply: Reply) -> Reading:
    outputs = orjson.loads(reply.body)["outputs"]
    return _build_reading(outputs if isinstance(outputs, dict) else {FIRST_OUTPUTS[signature]: outputs})


def _read_rpc(_: str, reply: Reply) -> Reading:
    answer = serving.PredictResponse.FromString(reply.body)
    outputs = {name: parse_tensor(tensor) for name, tensor in answer.outputs.items()}
    return Reading(answer.model_spec.version.value, outputs)


def _build_reading(outputs: dict[str, Any]) -> Reading:
    return Reading(_UNNAMED, {name: _retype(np.array(values)) for name, values in outputs.items()})


def _retype(values: NDArray[Any]) -> NDArray[Any]:
    """JSON has one kind of number; pictures are integers, everything else is float32."""
    return values.astype(np.uint8 if values.dtype.kind in "iu" else np.float32)


ROWS = Form(_write_rows, _read_rows)
"""REST, row by row; an only output comes without its name."""

COLUMNS = Form(_write_columns, _read_columns)
"""REST, tensor by tensor; an only output comes without its name."""

RPC = Form(_write_rpc, _read_rpc)
"""Tensors over gRPC."""
