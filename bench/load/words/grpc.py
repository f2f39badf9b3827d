"""Our own gRPC door: unary calls and the stream."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bench.load.ask import Door, Reading, Reply, RpcRequest, StreamRequest, UnreadableReplyError
from bench.load.digits import Digits
from bench.load.words.kind import Kind
from service.images import render_png
from service.wire import codec_pb2 as codec

_SERVICE = "/digitcodec.v1.Codec"
_CODES, _VERDICTS, _PICTURES = ("codes",), ("errors", "anomaly_scores"), ("reconstructions", "errors", "anomaly_scores")


def _pack(digits: Digits) -> codec.Images:
    return codec.Images(packed=digits.inputs.tobytes())


def _pack_files(digits: Digits) -> codec.Images:
    return codec.Images(files=codec.EncodedFiles(files=[render_png(image) for image in digits.inputs]))


def _write_images(method: str, request: Any, pack: Callable[[Digits], codec.Images], digits: Digits) -> RpcRequest:
    return RpcRequest(f"{_SERVICE}/{method}", request(images=pack(digits)).SerializeToString())


def _write_codes(digits: Digits) -> RpcRequest:
    codes = codec.Codes(packed=digits.codes.astype("<f4").tobytes(), code_dim=digits.codes.shape[1])
    return RpcRequest(f"{_SERVICE}/Decode", codec.DecodeRequest(codes=codes).SerializeToString())


def _write_stream(digits: Digits, messages: int) -> StreamRequest:
    """As many messages; their ids are their numbers."""
    shares = np.array_split(np.arange(len(digits)), messages)
    return StreamRequest(
        f"{_SERVICE}/ReconstructStream",
        tuple(_write_message(str(number), digits.pick(rows)) for number, rows in enumerate(shares)),
    )


def _write_message(name: str, digits: Digits) -> bytes:
    request = codec.ReconstructRequest(images=_pack(digits))
    return codec.ReconstructStreamRequest(id=name, request=request).SerializeToString()


def _read_codes(reply: Reply) -> Reading:
    answer = codec.EncodeResponse.FromString(reply.body)
    codes = np.frombuffer(answer.codes.packed, "<f4").reshape(-1, answer.codes.code_dim)
    return Reading(answer.model.version, {"codes": codes})


def _read_images(reply: Reply) -> Reading:
    answer = codec.DecodeResponse.FromString(reply.body)
    return Reading(answer.model.version, {"images": _find_pictures(answer.images)})


def _read_scores(reply: Reply) -> Reading:
    answer = codec.ScoreResponse.FromString(reply.body)
    return Reading(answer.model.version, _find_verdicts(answer.verdicts))


def _read_reconstruction(reply: Reply) -> Reading:
    return _find_reconstruction(codec.ReconstructResponse.FromString(reply.body))


def _read_stream(reply: Reply) -> Reading:
    """The answers of a stream joined; the version is that of the last."""
    answers = [codec.ReconstructStreamResponse.FromString(part) for part in reply.parts]
    if [answer.id for answer in answers] != [str(number) for number in range(len(answers))]:
        raise UnreadableReplyError(f"answers came as {[answer.id for answer in answers]}")
    readings = [_find_reconstruction(answer.response) for answer in answers]
    names = readings[0].outputs
    outputs = {name: np.concatenate([reading.outputs[name] for reading in readings]) for name in names}
    return Reading(readings[-1].version, outputs)


def _find_reconstruction(answer: codec.ReconstructResponse) -> Reading:
    pictures = _find_pictures(answer.reconstructions)
    return Reading(answer.model.version, {"reconstructions": pictures, **_find_verdicts(answer.verdicts)})


def _find_pictures(data: bytes) -> Any:
    return np.frombuffer(data, np.uint8).reshape(-1, 28, 28)


def _find_verdicts(verdicts: codec.Verdicts) -> dict[str, Any]:
    scores = np.array(verdicts.anomaly_scores, np.float32)
    return {"errors": np.array(verdicts.errors, np.float32), "anomaly_scores": scores}


_encode = partial(_write_images, "Encode", codec.EncodeRequest, _pack)
_score = partial(_write_images, "Score", codec.ScoreRequest, _pack)
_score_files = partial(_write_images, "Score", codec.ScoreRequest, _pack_files)
_reconstruct = partial(_write_images, "Reconstruct", codec.ReconstructRequest, _pack)

KINDS = (
    Kind(Door.GRPC, "Encode", (1, 8), _CODES, _encode, _read_codes),
    Kind(Door.GRPC, "Decode", (1, 8, 64), ("images",), _write_codes, _read_images),
    Kind(Door.GRPC, "Score", (64, 512), _VERDICTS, _score, _read_scores),
    Kind(Door.GRPC, "Score of files", (1, 8), _VERDICTS, _score_files, _read_scores),
    Kind(Door.GRPC, "Reconstruct", (1, 8, 64), _PICTURES, _reconstruct, _read_reconstruction),
    Kind(Door.STREAM, "8 messages", (8, 64, 512), _PICTURES, partial(_write_stream, messages=8), _read_stream),
)
"""What callers ask of this door."""
