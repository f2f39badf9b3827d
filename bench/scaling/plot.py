"""The pictures of docs/scaling.md."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.scaling.check import Comparison
from bench.scaling.scenarios import Curve

PICTURES = {
    "load": "one process: waits against load",
    "policy": "one process: p99 by how batches are formed",
    "replicas": "p99 by the number of replicas",
    "pool": "p99 of 8 gateways before model servers",
}

_MOST_MS = 100.0
_FILES = {"scaling-load.png": ("load", "policy"), "scaling-replicas.png": ("replicas", "pool")}


def draw(curves: Sequence[Curve], comparisons: Sequence[Comparison], folder: Path) -> list[Path]:
    """Draw every picture; returns the files."""
    from matplotlib.figure import Figure

    paths = []
    for name, pictures in _FILES.items():
        figure = Figure(figsize=(11, 4.2), layout="constrained")
        for axis, picture in zip(figure.subplots(1, len(pictures)), pictures, strict=True):
            _draw_picture(axis, picture, [each for each in curves if each.picture == picture])
            if picture == "load":
                _draw_measured(axis, comparisons)
            axis.legend(fontsize="small")
        paths.append(folder / name)
        figure.savefig(paths[-1], dpi=100)
    return paths


def _draw_picture(axis: Any, picture: str, curves: Sequence[Curve]) -> None:
    for number, curve in enumerate(curves):
        thousands = [rate / 1e3 for rate in curve.rates]
        axis.plot(
            thousands, curve.p99_ms, label=f"{curve.name}, p99" if picture == "load" else curve.name, color=f"C{number}"
        )
        if picture == "load":
            axis.plot(thousands, curve.p50_ms, label=f"{curve.name}, p50", color=f"C{number}", linestyle="--")
    axis.set_title(PICTURES[picture])
    axis.set_xlabel("thousand single images per second")
    axis.set_ylabel("ms")
    axis.set_yscale("log")
    axis.set_ylim(1, _MOST_MS)
    axis.grid(alpha=0.3)


def _draw_measured(axis: Any, comparisons: Sequence[Comparison]) -> None:
    for place, marker, name in ((0, "v", "measured, p50"), (-1, "^", "measured, p99")):
        rates = [each.rate / 1e3 for each in comparisons]
        axis.plot(rates, [each.measured_ms[place] for each in comparisons], f"k{marker}", label=name)
