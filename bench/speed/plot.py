"""A bench as pictures: throughput and waiting against concurrency; what batches and latencies are like."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.speed.loads import Load, Signature
from bench.speed.report import join_batches
from bench.speed.sample import Round, Sample, collect
from bench.speed.systems import FLOOR, NAIVE, OURS, THIN

_SIGNATURES: tuple[Signature, ...] = ("encode", "reconstruct")
_COLOURS = {OURS: "#1f77b4", NAIVE: "#d62728", FLOOR: "#7f7f7f", THIN: "#2ca02c"}
_PANELS: tuple[tuple[str, Callable[[Sample], float]], ...] = (
    ("requests/s", lambda sample: sample.rate),
    ("p99, ms", lambda sample: sample.find_ms(99)),
)
_MANY = 64
_BINS = 60


def draw_concurrency(rounds: Sequence[Round], concurrencies: Sequence[int], path: Path) -> None:
    """Each system's throughput and p99 against the number of callers, medians with the range of the rounds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    axes = figure.subplots(len(_PANELS), len(_SIGNATURES), sharex=True, sharey="row")
    for line, (title, value) in zip(axes, _PANELS, strict=True):
        for axis, signature in zip(line, _SIGNATURES, strict=True):
            _draw_lines(axis, rounds, signature, concurrencies, value)
        line[0].set_ylabel(title)
        _mark_decades(line[0])
    for axis, signature in zip(axes[0], _SIGNATURES, strict=True):
        axis.set_title(f"{signature}, one PNG a request")
    axes[0][0].legend(fontsize="small")  # encode is asked of all of them
    for axis in axes[-1]:
        axis.set_xlabel("callers")
    figure.savefig(path, dpi=100)


def _mark_decades(axis: Any) -> None:
    """A logarithmic axis with plain numbers at 1, 2 and 5 of each decade."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _draw_lines(
    axis: Any,
    rounds: Sequence[Round],
    signature: Signature,
    concurrencies: Sequence[int],
    value: Callable[[Sample], float],
) -> None:
    axis.set_xscale("log", base=2)
    for system, colour in _COLOURS.items():
        points = [
            (callers, [value(sample) for sample in collect(rounds, (system, Load(signature, callers).name))])
            for callers in concurrencies
        ]
        points = [(callers, values) for callers, values in points if values]
        if points:
            callers, values = zip(*points, strict=True)
            medians = [statistics.median(each) for each in values]
            ranges = [
                [middle - min(each) for middle, each in zip(medians, values, strict=True)],
                [max(each) - middle for middle, each in zip(medians, values, strict=True)],
            ]
            axis.errorbar(callers, medians, ranges, label=system, color=colour, marker="o", markersize=4, capsize=3)
    axis.set_xticks(concurrencies, [str(each) for each in concurrencies])
    axis.minorticks_off()
    axis.grid(alpha=0.3)


def draw_histograms(rounds: Sequence[Round], concurrencies: Sequence[int], path: Path) -> None:
    """How many rows our batches had, and how long answers took at 64 callers, or at the most there were."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_batches(left, rounds, concurrencies)
    _draw_latencies(right, rounds, Load("encode", _MANY if _MANY in concurrencies else max(concurrencies)))
    figure.savefig(path, dpi=100)


def _draw_batches(axis: Any, rounds: Sequence[Round], concurrencies: Sequence[int]) -> None:
    bounds: list[float] = []
    for number, callers in enumerate(concurrencies):
        batches = join_batches(collect(rounds, (OURS, Load("encode", callers).name)))
        shares = dict(batches.list_shares()) if batches else {}
        shares = {bound: share for bound, share in shares.items() if share > 0}
        bounds = sorted({*bounds, *shares})
        width = 0.8 / len(concurrencies)
        places = [np.log2(bound) + (number - (len(concurrencies) - 1) / 2) * width for bound in shares]
        axis.bar(places, list(shares.values()), width, label=f"c={callers}")
    axis.set_xticks([np.log2(bound) for bound in bounds], [_name_range(bound) for bound in bounds])
    axis.set_xlabel("rows in a batch")
    axis.set_ylabel("share of batches")
    axis.set_title("batches of ours, encode")
    axis.legend(fontsize="small")


def _name_range(bound: float) -> str:
    """The metrics' buckets end at powers of two."""
    return f"{bound / 2 + 1:.0f}-{bound:.0f}" if bound > 2 else f"{bound:.0f}"


def _draw_latencies(axis: Any, rounds: Sequence[Round], load: Load) -> None:
    times = {
        system: np.concatenate([sample.times_s for sample in samples]) * 1e3
        for system in _COLOURS
        if (samples := collect(rounds, (system, load.name)))
    }
    every = np.concatenate(list(times.values()))
    bins = np.geomspace(every.min(), every.max(), _BINS)
    for system, times_ms in times.items():
        shares = np.full(len(times_ms), 1 / len(times_ms))
        axis.hist(times_ms, bins, weights=shares, histtype="step", label=system, color=_COLOURS[system])
    axis.set_xscale("log")
    axis.set_xlabel("ms")
    axis.set_ylabel("share of answers")
    axis.set_title(f"latency, {load.name}")
    axis.legend(fontsize="small")
