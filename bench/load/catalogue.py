"""Everything that the load asks for, written ahead: good requests of every door, format and size, and bad ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.load.bad import list_bad_input
from bench.load.digits import Digits
from bench.load.kinds import KINDS, Kind
from bench.load.verdict import AnswerJudge, Judge, RefusalJudge
from bench.words.ask import Door, HttpRequest, Request

# Mostly singles, as people send them; by rows it is the other way round: each size has its part of the work.
SHARES = {1: 0.70, 8: 0.18, 64: 0.10, 512: 0.02}
# Of every kind and size so many requests for different images, so that an answer to a neighbour is not the right one.
_VARIANTS = {1: 12, 8: 6, 64: 3, 512: 2}


@dataclass(frozen=True, slots=True)
class Question:
    """One request, written, with what should come back.

    Attributes:
        door: Where it is sent.
        name: What it is, for people.
        rows: Images or codes in it.
        request: As gRPC wants it, or to be rendered anew.
        wire: Of an HTTP request: its bytes.
        judge: Knows what should come back.
    """

    door: Door
    name: str
    rows: int
    request: Request
    wire: bytes
    judge: Judge


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All questions.

    Attributes:
        good: Those with answers.
        weights: How often each of them is asked, as shares of 1.
        bad: Those that are refused.
    """

    good: Sequence[Question]
    weights: NDArray[np.float64]
    bad: Sequence[Question]


def build_catalogue(digits: Digits, seed: int, sizes: Sequence[int] = tuple(SHARES)) -> Catalogue:
    """Write every question.

    Args:
        digits: What is asked about; at least as many as the largest size.
        seed: Chooses the images of each.
        sizes: Rows that requests may have; of `SHARES`.
    """
    rng = np.random.default_rng(seed)
    good: list[Question] = []
    weights: list[float] = []
    for size in sizes:
        questions = list(_write_good(digits, size, rng))
        good += questions
        weights += [SHARES[size] / len(questions)] * len(questions)
    return Catalogue(good, np.array(weights) / sum(weights), list(_write_bad(digits)))


def _write_good(digits: Digits, size: int, rng: np.random.Generator) -> Iterator[Question]:
    for kind in KINDS:
        if size in kind.sizes:
            for _ in range(_VARIANTS[size]):
                yield _write(kind, digits.pick(rng.choice(len(digits), size, replace=False)))


def _write(kind: Kind, digits: Digits) -> Question:
    expected = {name: digits.outputs[name] for name in kind.outputs}
    judge = AnswerJudge(kind.door, kind.read, expected)
    return _build(kind.door, f"{kind.name}, {len(digits)}", len(digits), kind.write(digits), judge)


def _write_bad(digits: Digits) -> Iterator[Question]:
    for door, name, request, status, reason in list_bad_input(digits):
        yield _build(door, name, 1, request, RefusalJudge(door, status, reason))


def _build(door: Door, name: str, rows: int, request: Any, judge: Judge) -> Question:
    wire = request.render() if isinstance(request, HttpRequest) else b""
    return Question(door, name, rows, request, wire, judge)
