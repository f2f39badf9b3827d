"""A soak as a picture: four panels over one axis of time, with a mark where a version was published."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.soak.record import Record, Second

_Panel = tuple[str, dict[str, Callable[[Second], float | None]]]

_PANELS: tuple[_Panel, ...] = (
    ("requests/s", {"offered": lambda each: each.offered, "right": lambda each: each.right}),
    ("refused/s", {"no room or no time": lambda each: each.refused}),
    ("p99 of right answers, s", {"p99": lambda each: each.p99_s}),
    ("resident memory, MiB", {"memory": lambda each: each.sample.memory_mib}),
)


def draw(record: Record, path: Path) -> None:
    """Draw it as a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 9), layout="constrained")
    axes = figure.subplots(len(_PANELS), 1, sharex=True)
    for panel, axis in zip(_PANELS, axes, strict=True):
        _draw_panel(record, panel, axis)
    axes[0].set_title(
        f"{record.rate:.0f} requests/s offered, capacity {record.capacity:.0f}; dotted: a version published"
    )
    axes[-1].set_xlabel("s")
    figure.savefig(path, dpi=100)


def _draw_panel(record: Record, panel: _Panel, axis: Any) -> None:
    title, lines = panel
    times = [each.at_s for each in record.seconds]
    for name, value in lines.items():
        values = [value(each) for each in record.seconds]
        axis.plot(times, [float("nan") if each is None else each for each in values], label=name, linewidth=1)
    for at_s in record.published.values():
        axis.axvline(at_s, color="grey", linestyle=":", linewidth=0.8)
    axis.set_ylabel(title)
    axis.set_ylim(bottom=0)
    axis.legend(loc="upper right", fontsize="small")
