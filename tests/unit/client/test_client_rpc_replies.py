"""What gRPC replies mean that no healthy digitcodec sends: gRPC's own failures, and answers to something else."""

from dataclasses import replace
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from service.client import (
    ClientError,
    DeadlineExceededError,
    OverloadedError,
    RefusedError,
    TooLargeError,
    UnauthenticatedError,
    UnexpectedAnswerError,
    UnreachableError,
)
from service.client.asks import Ask, CodeRows, Operation, Packed
from service.client.rpc.failures import read_failure
from service.client.rpc.replies import read_message, read_stream_response
from service.images import Note
from service.wire import codec_pb2 as pb

IMAGES = np.zeros((2, 28, 28), np.uint8)
VERDICTS = pb.Verdicts(errors=[0.1, 0.2], anomaly_scores=[0.3, 0.4], anomalies=[False, False])


def ask(operation: Operation) -> Ask:
    """An ask of two rows."""
    return Ask(operation, CodeRows(np.zeros((2, 4), np.float32)) if operation == "decode" else Packed(IMAGES))


STATUSES: dict[str, tuple[grpc.StatusCode, str, type[ClientError]]] = {
    "nobody there": (grpc.StatusCode.UNAVAILABLE, "failed to connect", UnreachableError),
    "too many calls": (grpc.StatusCode.RESOURCE_EXHAUSTED, "no room", OverloadedError),
    "dropped before it began": (grpc.StatusCode.CANCELLED, "", OverloadedError),
    "message too large": (grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max", TooLargeError),
    "late": (grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", DeadlineExceededError),
    "proxy wants a key": (grpc.StatusCode.UNAUTHENTICATED, "", UnauthenticatedError),
    "another service": (grpc.StatusCode.UNIMPLEMENTED, "Method not found!", UnexpectedAnswerError),
}


@pytest.mark.parametrize("name", STATUSES)
def test_statuses_without_details_are_told_apart(name: str) -> None:
    """They have the id that the request went out with."""
    code, detail, kind = STATUSES[name]
    error = read_failure(code, detail, (), "id")

    assert (kind, "id", detail or code.name) == (type(error), error.request_id, error.detail)


def test_details_of_another_domain_say_nothing() -> None:
    """A proxy may have reasons of its own."""
    status = Status(code=14)
    status.details.add().Pack(ErrorInfo(reason="invalid_image", domain="proxy"))
    metadata = (("grpc-status-details-bin", status.SerializeToString()),)

    assert UnreachableError is type(read_failure(grpc.StatusCode.UNAVAILABLE, "", metadata, "id"))


@pytest.mark.parametrize("packed", [b"\xff", "text"])
def test_details_that_are_none_say_nothing(packed: bytes | str) -> None:
    """The status still counts."""
    error = read_failure(grpc.StatusCode.UNAVAILABLE, "", (("grpc-status-details-bin", packed),), "id")

    assert UnreachableError is type(error)


STRANGE: dict[str, tuple[Operation, Any]] = {
    "no message": ("encode", None),
    "other rows": ("encode", pb.EncodeResponse(codes=pb.Codes(packed=bytes(16), code_dim=4))),
    "half a number": ("encode", pb.EncodeResponse(codes=pb.Codes(packed=bytes(3), code_dim=4))),
    "half a picture": ("decode", pb.DecodeResponse(images=bytes(784))),
    "too few scores": ("score", pb.ScoreResponse(verdicts=pb.Verdicts(errors=[0.1]))),
    "no scores": ("reconstruct", pb.ReconstructResponse(reconstructions=bytes(2 * 784))),
    "too few notes": ("score", pb.ScoreResponse(verdicts=VERDICTS, remarks=pb.Remarks(notes=[pb.NOTE_FLAT]))),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_answers_are_refused(name: str) -> None:
    """They end in the client's own error."""
    operation, message = STRANGE[name]
    with pytest.raises(UnexpectedAnswerError, match=f"the answer to {operation}"):
        read_message(ask(operation), message)


def test_missing_pictures_are_not_passed_over() -> None:
    """An older service does not know that it was asked for them."""
    with pytest.raises(UnexpectedAnswerError, match="the answer to score"):
        read_message(replace(ask("score"), include_normalised=True), pb.ScoreResponse(verdicts=VERDICTS))


def test_every_note_has_the_word_of_the_http_door() -> None:
    """A number that this client does not know is told as it is."""
    known = {note: f"NOTE_{note.name}" for note in Note}
    numbers: list[Any] = [pb.NOTE_UNSPECIFIED, *map(pb.Note.Value, known.values()), 99]
    load = Packed(np.zeros((len(numbers), 28, 28), np.uint8))
    message = pb.EncodeResponse(codes=pb.Codes(packed=bytes(4 * len(numbers)), code_dim=1))
    message.remarks.notes.extend(numbers)
    answer: Any = read_message(Ask("encode", load), message)

    assert len(pb.Note.keys()) == len(known) + 1
    assert (None, *(note.value for note in known), "note_99") == answer.notes


@pytest.mark.parametrize("response", [None, pb.ReconstructStreamResponse(id="7"), pb.ReconstructStreamResponse(id="0")])
def test_stream_answers_to_something_else_are_refused(response: Any) -> None:
    """The end of the stream, another request's, or one with nothing in it."""
    with pytest.raises(UnexpectedAnswerError):
        read_stream_response(ask("reconstruct"), response, "id")


def test_unknown_reason_of_a_stream_is_kept() -> None:
    """A newer service may have reasons that this client does not know."""
    response = pb.ReconstructStreamResponse(id="0", failure=pb.Failure(code=9, reason="too_cold", detail="3 degrees"))
    error = read_stream_response(ask("reconstruct"), response, "id")

    assert isinstance(error, ClientError)
    assert (RefusedError, "too_cold", "3 degrees") == (type(error), error.reason, error.detail)
