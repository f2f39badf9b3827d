"""The one table from gRPC statuses of a model server to the errors of the core."""

from dataclasses import dataclass
from typing import Final

import grpc
import grpc.aio
from grpc import StatusCode

from service.domain import Call
from service.errors import (
    BackendContractError,
    BackendError,
    DeadlineExceededError,
    DigitCodecError,
    InvalidCodeError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
)

# Of a text that is cut: gRPC names the cause last, after every address that it tried; TensorFlow names it first.
_HEAD, _TAIL = 60, 140


@dataclass(frozen=True, slots=True)
class _Rule:
    """One row of the table.

    Attributes:
        code: The status.
        text: What the server's text holds, where the status alone says too little.
        error: What it means to the core.
        says: The beginning of what callers are told; the server's text follows where `shows_text`.
        shows_text: False where the server's text says nothing more.
    """

    code: StatusCode
    text: str
    error: type[DigitCodecError]
    says: str
    shows_text: bool = True


_AWAY: Final = _Rule(StatusCode.UNAVAILABLE, "", NotReadyError, "the model server cannot be reached", shows_text=False)

# The first row that fits counts. The texts are those of TensorFlow Serving 2.19, and of gRPC for message sizes.
_TABLE: Final = (
    _Rule(
        StatusCode.UNAVAILABLE,
        "The batch scheduling queue to which this task was submitted is full",
        OverloadedError,
        "the model server's queue is full",
        shows_text=False,
    ),
    _Rule(
        StatusCode.UNAVAILABLE,
        "Model labels does not init yet",
        NotReadyError,
        "the model server has not read its labels yet",
        shows_text=False,
    ),
    _AWAY,
    # Both ends say it with the same words; ours is the receiver of answers only, and sends without a limit.
    _Rule(
        StatusCode.RESOURCE_EXHAUSTED,
        "message larger than max",
        BackendError,
        "a message exceeds DIGITCODEC_BACKEND__MAX_MESSAGE_BYTES or the model server's own limit",
    ),
    _Rule(StatusCode.RESOURCE_EXHAUSTED, "", OverloadedError, "the model server has no capacity left"),
    _Rule(StatusCode.NOT_FOUND, "", NotFoundError, "the model server does not have it"),
    _Rule(
        StatusCode.INVALID_ARGUMENT,
        "Unrecognized servable version label",
        NotFoundError,
        "the model server does not know the label",
    ),
    _Rule(
        StatusCode.DEADLINE_EXCEEDED,
        "",
        DeadlineExceededError,
        "the deadline passed before the model server answered",
        shows_text=False,
    ),
    _Rule(StatusCode.CANCELLED, "", NotReadyError, "the model server dropped the call", shows_text=False),
    _Rule(StatusCode.FAILED_PRECONDITION, "", BackendContractError, "the model server cannot run this signature"),
    _Rule(StatusCode.UNIMPLEMENTED, "", BackendContractError, "the server does not speak TensorFlow Serving's API"),
)


def find_error(failure: grpc.aio.AioRpcError, call: Call) -> DigitCodecError:
    """What a failed Predict means to those whose rows were in it."""
    rule = _find_rule(failure)
    if rule is not None:
        return rule.error(f"{rule.says}: {cut(failure.details())}" if rule.shows_text else rule.says)
    if failure.code() is StatusCode.INVALID_ARGUMENT and call.signature == "decode":
        return InvalidCodeError(f"the model server refused the codes: {cut(failure.details())}")
    return BackendError(f"the model server failed with {describe(failure)}")


def means_away(failure: grpc.aio.AioRpcError) -> bool:
    """True if nobody answered: the failure is gRPC's own, or a proxy's, and not a state of the model."""
    return _find_rule(failure) is _AWAY


def describe(failure: grpc.aio.AioRpcError) -> str:
    """Status and text, for a log line."""
    return f"{failure.code().name}: {cut(failure.details())}"


def cut(text: str | None) -> str:
    """A server's text on one line, of bounded length: what is cut out, its middle, may hold a whole graph."""
    words = " ".join((text or "no details").split())
    return words if len(words) <= _HEAD + _TAIL else f"{words[:_HEAD]} ... {words[-_TAIL:]}"


def _find_rule(failure: grpc.aio.AioRpcError) -> _Rule | None:
    details = failure.details() or ""
    fitting = (rule for rule in _TABLE if rule.code is failure.code() and rule.text in details)
    return next(fitting, None)
