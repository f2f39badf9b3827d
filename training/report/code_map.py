"""A map of codes for a page: where digits lie on paper, and what the codes at those places are."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import EvaluationError
from training.evaluation.figures import Codec, Floats, Images
from training.report.codes import Decode, Doubles, Labels, build_projections

# Enough to see the islands, few enough that a page loads them in a moment: 50 kB.
DIGITS = 1000

_PLACE_STEPS = 2**16 - 1
_CODE_STEPS = 2**8 - 1


@dataclass(frozen=True)
class Quantised:
    """Codes in a byte a number.

    Attributes:
        low: The least of each unit, (code_dim,); it is 0.
        high: The largest, (code_dim,); it is 255.
        codes: uint8 (n, code_dim).
    """

    low: Floats
    high: Floats
    codes: NDArray[np.uint8]


def choose_digits(labels: Labels | None, count: int) -> NDArray[np.intp]:
    """Rows for a map: the first of every class in equal numbers, in order; the first of all where there are no classes.

    Args:
        labels: (n,), or None.
        count: How many at most.
    """
    if labels is None:
        return np.arange(count)
    classes = np.unique(labels)
    share = max(1, count // len(classes))
    return np.sort(np.concatenate([np.flatnonzero(labels == label)[:share] for label in classes]))


def build_code_map(codec: Codec, decode: Decode, images: Images, labels: Labels | None) -> dict[str, Any]:
    """Everything about the map but whose it is, ready for JSON.

    A witness goes with it, a picture that the decoder drew and its code: who asks the same of another model gets
    another code, and knows that the map is not of that model.

    Args:
        codec: The model.
        decode: Its decoder.
        images: uint8 (n, 28, 28).
        labels: (n,) digits 0 to 9, or None.

    Raises:
        EvaluationError: If the codes cannot be laid out on paper.
    """
    codes = codec.encode(images)
    projections = build_projections(codes)
    if not projections:
        raise EvaluationError(f"codes of width {codes.shape[1]} that move in no two directions make no map")
    quantised = quantise(codes)
    witness = decode(codes[:1])
    return {
        "code_dim": codes.shape[1],
        "digits": len(codes),
        "projection": projections[-1].title,
        "labels": None if labels is None else "".join(map(str, labels)),
        "places": _pack(scale_places(projections[-1].places)),
        "low": _round(quantised.low),
        "high": _round(quantised.high),
        "codes": _pack(quantised.codes),
        "witness": {"image": _pack(witness), "code": _round(codec.encode(witness)[0])},
    }


def quantise(codes: Floats) -> Quantised:
    """Codes (n, code_dim) in 256 steps between the least and the largest of each unit."""
    low, high = codes.min(axis=0), codes.max(axis=0)
    span = np.where(high > low, high - low, 1)
    return Quantised(low, high, np.rint((codes - low) / span * _CODE_STEPS).astype(np.uint8))


def scale_places(places: Doubles) -> NDArray[np.uint16]:
    """Places (n, 2) in the square of 65,536 steps; both directions keep one scale, the shorter lies in the middle."""
    low, high = places.min(axis=0), places.max(axis=0)
    side = float((high - low).max())
    scaled = (places - (low + high) / 2) / side + 0.5
    steps: NDArray[np.uint16] = np.rint(scaled * _PLACE_STEPS).astype("<u2")
    return steps


def _pack(array: NDArray[Any]) -> str:
    return b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _round(values: Floats) -> list[float]:
    return [round(float(value), 5) for value in values]
