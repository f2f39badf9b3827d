"""Show how a fit is going: a bar on a terminal, plain lines elsewhere; computes nothing of the fit."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn, Protocol, TextIO

from tqdm import tqdm

_LOG = logging.getLogger(__name__)
# Lines of a whole fit where there is no bar: enough to follow it, few enough to keep the log readable.
_LINES = 20
_BAR = "{percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} steps, {elapsed} gone, {remaining} left{postfix}"


class Progress(Protocol):
    """What a fit reports to."""

    def advance(self, steps: int, loss: float) -> None:
        """`steps` more steps are done; `loss` is their mean training loss."""

    def show_watched(self, error: float) -> None:
        """The mean squared error of the averaged weights on the watched images is now `error`."""

    def resume(self, steps: int) -> None:
        """`steps` steps were already done by a process before this one."""


@contextmanager
def open_progress(total_steps: int, batch_size: int, stream: TextIO = sys.stderr) -> Iterator[Progress]:
    """A bar if `stream` is a terminal, else log lines; closed on the way out, whatever happens.

    Args:
        total_steps: Steps of the whole fit.
        batch_size: Images in a step, to tell the speed in images/s.
        stream: Where a bar would be drawn.
    """
    if not stream.isatty():
        yield LineProgress(total_steps, batch_size)
        return
    bar: tqdm[NoReturn]
    with tqdm(total=total_steps, file=stream, bar_format=_BAR, dynamic_ncols=True) as bar:
        yield BarProgress(bar, batch_size)


@dataclass
class Speedometer:
    """Images per second since the first report, which is left out because it compiles the step."""

    batch_size: int
    _steps: int = 0
    _since: float | None = None

    def measure(self, steps: int) -> float:
        """Count `steps` more steps; 0.0 until there is something to divide by."""
        now = time.perf_counter()
        if self._since is None:
            self._since = now
            return 0.0
        self._steps += steps
        return self._steps * self.batch_size / max(now - self._since, 1e-9)


class BarProgress:
    """One line on a terminal, drawn again and again."""

    def __init__(self, bar: tqdm[NoReturn], batch_size: int) -> None:
        self._bar = bar
        self._speed = Speedometer(batch_size)
        self._figures = ""
        self._watched = ""

    def advance(self, steps: int, loss: float) -> None:
        """Move the bar."""
        speed = self._speed.measure(steps)
        known_speed = f"{speed:,.0f} images/s, " if speed else ""
        self._figures = f"{known_speed}loss {loss:.5f}"
        self._bar.set_postfix_str(self._figures + self._watched, refresh=False)
        self._bar.update(steps)

    def show_watched(self, error: float) -> None:
        """Show the value at once and keep it beside the bar until the next one."""
        self._watched = f", watched {error:.5f}"
        self._bar.set_postfix_str(self._figures + self._watched)

    def resume(self, steps: int) -> None:
        """Move the bar to where the work was left."""
        self._bar.update(steps)


@dataclass
class LineProgress:
    """A line for each twentieth of the fit, and one for each look at the watched digits."""

    total_steps: int
    batch_size: int
    _done: int = 0
    _lines: int = 0
    _speed: Speedometer = field(init=False)

    def __post_init__(self) -> None:
        self._speed = Speedometer(self.batch_size)

    def advance(self, steps: int, loss: float) -> None:
        """Write a line if another twentieth is done."""
        self._done += steps
        speed = self._speed.measure(steps)
        lines = self._done * _LINES // self.total_steps
        if lines > self._lines:
            self._lines = lines
            _LOG.info("%s", self._describe(loss, speed))

    def show_watched(self, error: float) -> None:
        """Write a line."""
        _LOG.info("step %d/%d: watched error %.5f", self._done, self.total_steps, error)

    def resume(self, steps: int) -> None:
        """Write a line."""
        self._done = steps
        self._lines = steps * _LINES // self.total_steps
        _LOG.info("going on after step %d/%d", steps, self.total_steps)

    def _describe(self, loss: float, speed: float) -> str:
        place = f"step {self._done}/{self.total_steps}: loss {loss:.5f}"
        if speed == 0.0:
            return place
        left_s = (self.total_steps - self._done) * self.batch_size / speed
        return f"{place}, {speed:,.0f} images/s, {format_duration(left_s)} left"


def format_duration(seconds: float) -> str:
    """Minutes and seconds for people: 75.2 -> `1:15`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
