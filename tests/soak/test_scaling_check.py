"""`make scaling` in short, on a real service: sent, probed, simulated; how near it comes is for a quiet machine."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.scaling import __main__ as command
from bench.scaling.figures import read_figures
from bench.scaling.plot import draw
from bench.scaling.windows import Plan, measure

pytestmark = pytest.mark.tensorflow


def test_the_probe_sees_every_request_of_a_window(digits: NDArray[np.uint8]) -> None:
    """What the loop took in and what the model was given is what was sent."""
    (window,) = measure(Plan((0.05,), rounds=1, seconds=1.0), digits[:64], lambda _: None).windows
    sent = len(window.sent.due_s)

    assert sent == pytest.approx(float(window.work.loop[:, 2].sum()), rel=0.1)
    assert sent == pytest.approx(float(window.work.model[:, 2].sum()), rel=0.1)
    assert float(window.sent.waits_s.min()) > 0
    assert len(window.wakes_s) > 0


def test_a_short_check_judges_each_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit status says whether every p99 is within the bar."""
    status = command.main(
        ["check", "--rounds", "1", "--seconds", "1", "--shares", "0.05", "0.1", "--out", str(tmp_path)]
    )
    found = json.loads((tmp_path / "check.json").read_bytes())
    ratios = [each["simulated_ms"][-1] / each["measured_ms"][-1] for each in found]

    assert [0.05, 0.1] == [each["share"] for each in found]
    assert (0 if all(0.75 <= ratio <= 1.25 for ratio in ratios) else 1) == status
    assert "| 10% |" in capsys.readouterr().out


def test_pictures_are_drawn_from_the_figures(tmp_path: Path) -> None:
    """Two files."""
    figures = read_figures()

    assert ["scaling-load.png", "scaling-replicas.png"] == [
        path.name for path in draw(figures.curves, figures.comparisons, tmp_path) if path.stat().st_size
    ]
