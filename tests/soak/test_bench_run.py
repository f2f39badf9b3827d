"""`make bench` and `make bench-compare` in short, on real services: all is started, asked, checked, stopped."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.speed import __main__ as bench
from bench.speed import compare
from bench.speed.helper import helper_process
from bench.speed.memory import measure_memory

pytestmark = pytest.mark.tensorflow

_REPOSITORY = Path(__file__).resolve().parents[2]
_SHORT = ["--seconds", "0.2", "--rounds", "1", "--version-dir", str(_REPOSITORY / "models/digits/1")]


def test_a_short_bench_finds_every_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All systems answer right; tables, JSON and pictures come of it."""
    monkeypatch.chdir(_REPOSITORY)
    assert 0 == bench.main([*_SHORT, "--concurrencies", "1,64", "--out", str(tmp_path)])
    document = json.loads((tmp_path / "results.json").read_bytes())

    assert {"ours", "naive", "bare floor", "thin gateway", "direct session", "direct stub"} == {
        each["system"] for each in document["samples"]
    }
    assert 7 == sum(each["limit"] is not None for each in document["findings"])
    assert (tmp_path / "concurrency.png").exists()
    assert (tmp_path / "histograms.png").exists()


def test_memory_is_read_early_and_late(digits: NDArray[np.uint8]) -> None:
    """After so many requests, and after more of them."""
    said: list[str] = []
    with helper_process() as helper:
        finding = measure_memory(_REPOSITORY / "models", helper, digits, said.append, early=100, late=300)

    assert ["memory after 100 requests", "memory after 300 requests"] == [line.partition(":")[0] for line in said]
    assert 0.5 < finding.median < 2


def test_two_trees_are_compared(tmp_path: Path) -> None:
    """Here the working tree against itself."""
    options = compare.parse_options(["HEAD", *_SHORT, "--concurrencies", "4", "--out", str(tmp_path)])
    rounds, findings = compare.run(_REPOSITORY, options)

    assert {"new", "old"} == {system for system, _ in rounds[0]}
    assert 4 * 4 == len(findings)
