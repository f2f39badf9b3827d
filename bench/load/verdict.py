"""What to think of a reply: right, refused as documented, or a fault of the service."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol

import numpy as np
import orjson

from bench.sameness import TOLERANCES
from bench.words.ask import Arrays, Door, Read, Reply

_HTTP_DOORS = frozenset({Door.HTTP, Door.OIP_REST, Door.TFS_REST})
_GOOD = frozenset({"200", "OK"})


class Outcome(StrEnum):
    """How one request ended."""

    RIGHT = "right"
    REFUSED = "bad input refused"
    OVERLOADED = "overloaded"
    EXPIRED = "deadline exceeded"
    LEFT = "caller left"
    NOT_READY = "not ready"
    UNDOCUMENTED = "undocumented"
    WRONG = "wrong answer"
    HUNG = "hung"
    LOST = "lost"


FAULTS = frozenset({Outcome.UNDOCUMENTED, Outcome.WRONG, Outcome.HUNG, Outcome.LOST})
"""What must not happen, whatever the load."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one request ended.

    Attributes:
        outcome: In a word.
        version: The model version that answered; 0 where nothing names it.
        is_exact: False for a right answer that differs in its last bits from that to its images alone.
        text: What is wrong; empty where nothing is.
    """

    outcome: Outcome
    version: int = 0
    is_exact: bool = True
    text: str = ""


class Judge(Protocol):
    """Knows what should come back for one request."""

    def judge(self, reply: Reply) -> Verdict:
        """What to think of the reply."""


class AnswerJudge:
    """Knows the right answer.

    Equal answers are equal bytes but for the version, so each form that an answer takes is read once, and known again
    by its digest: reading pictures out of JSON costs more than the service takes to make them.
    """

    def __init__(self, door: Door, read: Read, expected: Arrays) -> None:
        """Prepare to judge.

        Args:
            door: What it comes through.
            read: Reads an answer.
            expected: What it must say, output by output.
        """
        self._door = door
        self._read = read
        self._expected = expected
        self._known: dict[bytes, Verdict] = {}

    def judge(self, reply: Reply) -> Verdict:
        """Right if it says what is expected, and nothing else."""
        if reply.status not in _GOOD:
            return judge_refusal(self._door, reply)
        digest = blake2b(reply.head + reply.body, digest_size=16).digest()
        if digest not in self._known:
            self._known[digest] = self._read_and_judge(reply)
        return self._known[digest]

    def _read_and_judge(self, reply: Reply) -> Verdict:
        reading = self._read(reply)
        if fault := _find_fault(reading.outputs, self._expected):
            return Verdict(Outcome.WRONG, reading.version, text=fault)
        is_exact = all(np.array_equal(reading.outputs[name], right) for name, right in self._expected.items())
        return Verdict(Outcome.RIGHT, reading.version, is_exact)


@dataclass(frozen=True, slots=True)
class RefusalJudge:
    """Knows how bad input is refused.

    Attributes:
        door: What it comes through.
        status: That must come back.
        reason: That must stand in the refusal, where its protocol has a place for it.
    """

    door: Door
    status: str
    reason: str

    def judge(self, reply: Reply) -> Verdict:
        """As documented, or overloaded like any other."""
        if reply.status == self.status and find_reason(self.door, reply) in {self.reason, ""}:
            return Verdict(Outcome.REFUSED)
        if reply.status in _GOOD:
            return Verdict(Outcome.WRONG, text=f"bad input was answered; {self.reason} was expected")
        return judge_refusal(self.door, reply)


def judge_refusal(door: Door, reply: Reply) -> Verdict:
    """Which of the refusals that any request may meet it is."""
    reason = find_reason(door, reply) or _REASONS.get(reply.status, "")
    outcome = _OUTCOMES.get((door in _HTTP_DOORS, reply.status, reason), Outcome.UNDOCUMENTED)
    if outcome not in {Outcome.UNDOCUMENTED, Outcome.NOT_READY}:
        return Verdict(outcome)
    return Verdict(
        outcome, text=f"{reply.status} {reason}: {reply.detail or reply.body[:300].decode(errors='replace')}"
    )


_OUTCOMES = {
    (True, "429", "overloaded"): Outcome.OVERLOADED,
    (True, "503", "overloaded"): Outcome.OVERLOADED,
    (False, "RESOURCE_EXHAUSTED", "overloaded"): Outcome.OVERLOADED,
    (False, "UNAVAILABLE", "overloaded"): Outcome.OVERLOADED,
    # What gRPC itself says to calls that wait too long for the event loop (docs/grpc.md).
    (False, "CANCELLED", ""): Outcome.OVERLOADED,
    (True, "503", "not_ready"): Outcome.NOT_READY,
    (False, "UNAVAILABLE", "not_ready"): Outcome.NOT_READY,
    (True, "504", "deadline_exceeded"): Outcome.EXPIRED,
    (False, "DEADLINE_EXCEEDED", "deadline_exceeded"): Outcome.EXPIRED,
}
# Where the reply has no place for a reason, or the client's own library made it.
_REASONS = {"429": "overloaded", "504": "deadline_exceeded", "DEADLINE_EXCEEDED": "deadline_exceeded"}
# The neighbours' REST has no reasons; TensorFlow Serving says UNAVAILABLE to a full queue too.
_FULL = b"queue to which this task was submitted is full"


def find_reason(door: Door, reply: Reply) -> str:
    """The reason that a refusal gives; empty where it has no place for one."""
    if door == Door.HTTP:
        return str(orjson.loads(reply.body).get("reason", ""))
    if door == Door.TFS_REST and reply.status == "503":
        return "overloaded" if _FULL in reply.body else "not_ready"
    if door == Door.OIP_REST and reply.status == "503":
        return "not_ready"
    return reply.reason


def _find_fault(outputs: Arrays, expected: Arrays) -> str:
    """What is wrong with an answer, in words; empty if nothing is."""
    if set(outputs) != set(expected):
        return f"outputs {sorted(outputs)} came, {sorted(expected)} were expected"
    for name, right in expected.items():
        came = outputs[name]
        if came.shape != right.shape:
            return f"{name} of shape {came.shape} came, {right.shape} was expected"
        distances = np.abs(came.astype(float) - right.astype(float)).reshape(len(right), -1).max(axis=1)
        # Not "greater": a NaN is no answer either.
        if not (distances <= TOLERANCES[name]).all():
            rows = np.flatnonzero(~(distances <= TOLERANCES[name]))
            return f"{name} of rows {rows[:8].tolist()} are up to {distances.max():.3g} away from the right ones"
    return ""
