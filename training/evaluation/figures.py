"""What a codec is to whoever measures it, and how its figures are named and printed; knows no TensorFlow."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
Metrics = dict[str, Any]


class Reconstruction(NamedTuple):
    """What a codec says about images.

    Attributes:
        reconstructions: uint8 (n, 28, 28).
        errors: float32 (n,).
        anomaly_scores: float32 (n,).
    """

    reconstructions: Images
    errors: Floats
    anomaly_scores: Floats


class Codec(Protocol):
    """Whatever encodes and reconstructs; takes any number of images at once and keeps their order."""

    def encode(self, images: Images) -> Floats:
        """Codes of images: uint8 (n, 28, 28) -> float32 (n, code_dim)."""

    def reconstruct(self, images: Images) -> Reconstruction:
        """Reconstructions, errors and scores of images, uint8 (n, 28, 28)."""


def split_rows(rows: NDArray[Any], most: int) -> Iterator[NDArray[Any]]:
    """The rows in order, at most `most` at a time; no rows are one empty part."""
    for start in range(0, max(len(rows), 1), most):
        yield rows[start : start + most]


def round_figures(metrics: Metrics) -> Metrics:
    """All numbers to six decimals: more than the test digits can tell apart, few enough to read."""
    return {name: _round(figure) for name, figure in metrics.items()}


def _round(figure: Any) -> Any:
    if isinstance(figure, dict):
        return round_figures(figure)
    if isinstance(figure, list):
        return [_round(each) for each in figure]
    return round(figure, 6) if isinstance(figure, float) else figure


def render_metrics(metrics: Metrics) -> str:
    """The figures as an aligned table, a line each; what was left out comes last, with the reason."""
    lines = [(name, f"{value:.5f}") for name, value in flatten_metrics(metrics)]
    width = max((len(name) for name, _ in lines), default=0)
    rendered = [f"{name:<{width}}  {value:>9}" for name, value in lines]
    rendered += [f"{name:<{width}}  left out: {reason}" for name, reason in metrics.get("left_out", {}).items()]
    return "\n".join(rendered)


def flatten_metrics(metrics: Metrics, prefix: str = "") -> Iterator[tuple[str, float]]:
    """Every number with its dotted name, in order."""
    for key, value in metrics.items():
        if isinstance(value, dict):
            yield from flatten_metrics(value, f"{prefix}{key}.")
        elif isinstance(value, int | float):
            yield f"{prefix}{key}", float(value)
