"""gRPC messages as answers; opens no channel."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.client.answers import Codes, Model, ModelVersion, Pictures, Reconstructions, Remarks, Scores, ServedModel
from service.client.asks import Ask, Result
from service.client.errors import ClientError, UnexpectedAnswerError, find_refusal
from service.domain import IMAGE_SIDE, Images
from service.wire import codec_pb2, inference_pb2

_CODE_TYPE = np.dtype("<f4")
# Names under which the Open Inference Protocol has a model's signatures, beside its own.
_SIGNATURES = ("-encode", "-decode", "-reconstruct")
_NOTES: Mapping[int, str] = {number: name.removeprefix("NOTE_").lower() for name, number in codec_pb2.Note.items()}
_STATES = {"READY": "AVAILABLE", "UNAVAILABLE": "END"}


def read_message(ask: Ask, message: Any) -> Result:
    """What an answer says.

    Raises:
        UnexpectedAnswerError: If it is no answer to the ask.
    """
    if message is None:  # how gRPC tells that it could not parse it
        raise UnexpectedAnswerError(f"the answer to {ask.operation} is no message of digitcodec")
    result: Result = _read(ask, message)
    return result


def read_stream_response(ask: Ask, response: Any, request_id: str) -> Reconstructions | ClientError:
    """What one response of a stream says: an answer, or why there is none.

    Raises:
        UnexpectedAnswerError: If it is not the answer to the ask.
    """
    if response is None or response.id != str(ask.first_row):
        came = "no message" if response is None else f"the answer to {response.id!r}"
        raise UnexpectedAnswerError(f"{came} came, expected that to {ask.first_row}", request_id=request_id)
    if response.WhichOneof("outcome") == "failure":
        failure = response.failure
        return find_refusal(failure.reason)(failure.detail, reason=failure.reason, request_id=request_id)
    answer: Reconstructions = _read(ask, response.response)
    return answer


def _read(ask: Ask, message: Any) -> Any:
    try:
        return _READERS[ask.operation](ask, message)
    except ValueError as error:
        raise UnexpectedAnswerError(f"the answer to {ask.operation} cannot be read: {error}") from error


def _read_codes(ask: Ask, message: codec_pb2.EncodeResponse) -> Codes:
    codes = np.frombuffer(message.codes.packed, _CODE_TYPE).reshape(len(ask), message.codes.code_dim)
    return Codes(_read_model(message.model), codes, **_read_remarks(ask, message.remarks))


def _read_pictures(ask: Ask, message: codec_pb2.DecodeResponse) -> Pictures:
    return Pictures(_read_model(message.model), _read_images(ask, message.images))


def _read_scores(ask: Ask, message: codec_pb2.ScoreResponse) -> Scores:
    verdicts = _read_verdicts(ask, message.verdicts)
    return Scores(_read_model(message.model), *verdicts, **_read_remarks(ask, message.remarks))


def _read_reconstructions(ask: Ask, message: codec_pb2.ReconstructResponse) -> Reconstructions:
    images = _read_images(ask, message.reconstructions)
    verdicts, remarks = _read_verdicts(ask, message.verdicts), _read_remarks(ask, message.remarks)
    return Reconstructions(_read_model(message.model), *verdicts, images, **remarks)


def _read_model(model: codec_pb2.Model) -> Model:
    return Model(model.name, model.version)


def _read_images(ask: Ask, packed: bytes) -> Images:
    return np.frombuffer(packed, np.uint8).reshape(len(ask), IMAGE_SIDE, IMAGE_SIDE)


def _read_verdicts(ask: Ask, verdicts: codec_pb2.Verdicts) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    return (
        np.array(verdicts.errors, np.float32).reshape(len(ask)),
        np.array(verdicts.anomaly_scores, np.float32).reshape(len(ask)),
        np.array(verdicts.anomalies, np.bool_).reshape(len(ask)),
    )


def _read_remarks(ask: Ask, remarks: codec_pb2.Remarks) -> Remarks:
    return {
        "notes": tuple(map(_read_note, remarks.notes)),
        "normalised": _read_images(ask, remarks.normalised) if ask.include_normalised else None,
    }


def _read_note(number: int) -> str | None:
    """The word that the HTTP door has for it; a newer service may have notes that this client does not know."""
    return _NOTES.get(number, f"note_{number}") if number else None


def _read_models(_: Ask, message: inference_pb2.RepositoryIndexResponse) -> tuple[ServedModel, ...]:
    versions: dict[str, list[ModelVersion]] = {}
    for entry in message.models:
        state = _STATES.get(entry.state, entry.state)
        versions.setdefault(entry.name, []).append(ModelVersion(int(entry.version), state, entry.reason))
    own = {f"{name}{suffix}" for name in versions for suffix in _SIGNATURES}
    return tuple(_describe(name, found) for name, found in versions.items() if name not in own)


def _describe(name: str, versions: list[ModelVersion]) -> ServedModel:
    return ServedModel(name, any(version.state == "AVAILABLE" for version in versions), tuple(versions))


_READERS: Mapping[str, Callable[[Ask, Any], Result]] = {
    "encode": _read_codes,
    "decode": _read_pictures,
    "reconstruct": _read_reconstructions,
    "score": _read_scores,
    "models": _read_models,
    "ready": lambda _, message: bool(message.ready),
}
