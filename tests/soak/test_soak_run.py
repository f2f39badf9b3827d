"""The soak in short, on the real service: its rules hold, and it would notice if they did not."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.load.verdict import Outcome
from bench.soak.bars import judge
from bench.soak.plot import draw
from bench.soak.report import render_summary, write_json
from bench.soak.run import SoakPlan, soak
from service.settings import LimitSettings

pytestmark = pytest.mark.tensorflow

_REPOSITORY = Path(__file__).resolve().parents[2]
_TIMEOUT_S = LimitSettings().default_timeout_s


@pytest.fixture(scope="module")
def plan() -> SoakPlan:
    """Half of what the service can do: CI's machine has other work, and overload is `make soak`'s."""
    return SoakPlan(
        seconds=12,
        capacity_s=3,
        publish_s=4,
        overload=0.5,
        processes=1,
        sizes=(1, 8, 64),
        model=_REPOSITORY / "models/digits/1",
    )


def test_a_short_soak_holds_every_bar(plan: SoakPlan, digits: NDArray[np.uint8], tmp_path: Path) -> None:
    """Right answers, documented refusals, two versions published meanwhile, and nothing left over."""
    record = soak(plan, digits, _TIMEOUT_S, print)
    bars = judge(record, _TIMEOUT_S)
    write_json(record, bars, tmp_path / "soak.json")
    draw(record, tmp_path / "soak.png")

    assert [] == [bar for bar in bars if not bar.holds], render_summary(record, bars)
    assert {1, 2, 3} == set(record.published)
    assert record.total.count(Outcome.REFUSED) > 0
    assert record.total.count(Outcome.LEFT) > 0
