"""Our own gRPC door: unary calls and the stream."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.words.ask import Arrays, Reading, Reply, RpcRequest, StreamRequest, UnreadableReplyError
from bench.words.form import INPUTS, Form
from service.images import render_png
from service.wire import codec_pb2 as codec

_SERVICE = "/digitcodec.v1.Codec"


def _pack(rows: NDArray[Any]) -> codec.Images | codec.Codes:
    if rows.dtype == np.uint8:
        return codec.Images(packed=rows.tobytes())
    return codec.Codes(packed=rows.astype("<f4").tobytes(), code_dim=rows.shape[1])


def _pack_files(rows: NDArray[Any]) -> codec.Images:
    return codec.Images(files=codec.EncodedFiles(files=[render_png(image) for image in rows]))


def _find_codes(answer: codec.EncodeResponse) -> Arrays:
    return {"codes": np.frombuffer(answer.codes.packed, "<f4").reshape(-1, answer.codes.code_dim)}


def _find_images(answer: codec.DecodeResponse) -> Arrays:
    return {"images": _shape_pictures(answer.images)}


def _find_reconstruction(answer: codec.ReconstructResponse) -> Arrays:
    return {"reconstructions": _shape_pictures(answer.reconstructions), **_find_verdicts(answer)}


def _find_verdicts(answer: codec.ReconstructResponse | codec.ScoreResponse) -> Arrays:
    scores = np.array(answer.verdicts.anomaly_scores, np.float32)
    return {"errors": np.array(answer.verdicts.errors, np.float32), "anomaly_scores": scores}


def _shape_pictures(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8).reshape(-1, 28, 28)


@dataclass(frozen=True, slots=True)
class _Method:
    """The messages of one method; `find` takes the outputs from the second."""

    request: Any
    response: Any
    find: Callable[[Any], Arrays]


_METHODS = {
    "encode": _Method(codec.EncodeRequest, codec.EncodeResponse, _find_codes),
    "decode": _Method(codec.DecodeRequest, codec.DecodeResponse, _find_images),
    "reconstruct": _Method(codec.ReconstructRequest, codec.ReconstructResponse, _find_reconstruction),
    "score": _Method(codec.ScoreRequest, codec.ScoreResponse, _find_verdicts),
}


def _build(signature: str, rows: NDArray[Any], pack: Callable[[NDArray[Any]], Any] = _pack) -> Any:
    return _METHODS[signature].request(**{INPUTS[signature]: pack(rows)})


def _find_path(signature: str) -> str:
    return f"{_SERVICE}/{signature.capitalize()}"


def _write(signature: str, rows: NDArray[Any], pack: Callable[[NDArray[Any]], Any] = _pack) -> RpcRequest:
    return RpcRequest(_find_path(signature), _build(signature, rows, pack).SerializeToString())


def _write_stream(signature: str, rows: NDArray[Any], messages: int | None = None) -> StreamRequest:
    """As many messages, or one a row; their ids are their numbers."""
    shares = np.array_split(rows, messages or len(rows))
    return StreamRequest(
        f"{_find_path(signature)}Stream",
        tuple(_write_message(str(number), _build(signature, share)) for number, share in enumerate(shares)),
    )


def _write_message(name: str, request: codec.ReconstructRequest) -> bytes:
    return codec.ReconstructStreamRequest(id=name, request=request).SerializeToString()


def _read(signature: str, reply: Reply) -> Reading:
    return _find_reading(signature, _METHODS[signature].response.FromString(reply.body))


def _read_stream(signature: str, reply: Reply) -> Reading:
    """The answers of a stream joined; the version is that of the last."""
    answers = [codec.ReconstructStreamResponse.FromString(part) for part in reply.parts]
    if [answer.id for answer in answers] != [str(number) for number in range(len(answers))]:
        raise UnreadableReplyError(f"answers came as {[answer.id for answer in answers]}")
    if failures := [answer.failure.detail for answer in answers if answer.HasField("failure")]:
        raise UnreadableReplyError(f"{len(failures)} messages failed: {failures[0]}")
    readings = [_find_reading(signature, answer.response) for answer in answers]
    names = readings[0].outputs
    outputs = {name: np.concatenate([reading.outputs[name] for reading in readings]) for name in names}
    return Reading(readings[-1].version, outputs)


def _find_reading(signature: str, answer: Any) -> Reading:
    return Reading(answer.model.version, _METHODS[signature].find(answer))


PACKED = Form(_write, _read)
"""Rows as one string of bytes."""

FILES = Form(partial(_write, pack=_pack_files), _read)
"""Images as PNG."""

STREAM = Form(_write_stream, _read_stream)
"""Of `reconstruct` alone: each image in a message of its own."""


def split_stream(messages: int) -> Form:
    """As `STREAM`, with the images shared out among so many messages."""
    return Form(partial(_write_stream, messages=messages), _read_stream)
