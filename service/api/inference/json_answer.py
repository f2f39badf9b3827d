"""The REST door's answers: a JSON document, with the bytes of tensors behind it or not."""

from typing import Any

import orjson
from numpy.typing import NDArray

from service.api.http.answers import JSON, HttpAnswer
from service.api.inference.binary import render_raw
from service.api.inference.datatypes import find_datatype
from service.api.inference.json_request import AnswerFormat
from service.api.inference.request import InferAnswer

HEADER_LENGTH = b"inference-header-content-length"
_BINARY = (b"content-type", b"application/octet-stream")


def render_json(document: Any) -> HttpAnswer:
    """A good answer of JSON alone; numbers may be flat NumPy arrays."""
    return HttpAnswer(200, (JSON,), orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY))


def render_answer(answer: InferAnswer, form: AnswerFormat) -> HttpAnswer:
    """The answer to an inference."""
    buffers: list[bytes] = []
    outputs = [_render_output(name, array, form, buffers) for name, array in answer.outputs.items()]
    document = {"model_name": answer.model_name, "model_version": answer.model_version, "outputs": outputs}
    if answer.id:
        document["id"] = answer.id
    whole = render_json(document)
    if not buffers:
        return whole
    headers = (_BINARY, (HEADER_LENGTH, b"%d" % len(whole.body)))
    return HttpAnswer(200, headers, b"".join([whole.body, *buffers]))


def _render_output(name: str, array: NDArray[Any], form: AnswerFormat, buffers: list[bytes]) -> dict[str, Any]:
    """One output; if it goes back as bytes, they are added to the buffers."""
    output: dict[str, Any] = {"name": name, "datatype": find_datatype(array.dtype), "shape": array.shape}
    if not form.wants_bytes(name):
        return {**output, "data": array.ravel()}
    buffers.append(render_raw(array))
    return {**output, "parameters": {"binary_data_size": array.nbytes}}
