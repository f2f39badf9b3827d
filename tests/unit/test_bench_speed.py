"""The bench's own arithmetic: tables, ratios, histograms, orders, arguments; nothing is started."""

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from bench.plain_http import UnexpectedAnswerError
from bench.speed.batches import Batches, parse_batches
from bench.speed.checks import find_differences
from bench.speed.client import read_length
from bench.speed.compare import UnknownRevisionError, checked_out, find_changes
from bench.speed.findings import Finding, find_growth, find_memory_growth, find_ratios
from bench.speed.flame import NoFlameError, find_py_spy
from bench.speed.loads import Load, list_loads, list_rows, render_requests, split_into_requests
from bench.speed.options import add_common, parse_counts
from bench.speed.plot import draw_concurrency, draw_histograms
from bench.speed.report import join_batches, render_findings, render_samples, write_json
from bench.speed.rounds import measure_rounds, rotate
from bench.speed.sample import Key, Round, Sample, find_spread

ENCODE_1, ENCODE_64 = "encode, c=1", "encode, c=64"

METRICS = """\
# HELP digitcodec_batch_rows Rows of a backend call.
# TYPE digitcodec_batch_rows histogram
digitcodec_batch_rows_bucket{lane="small",le="1.0"} 2.0
digitcodec_batch_rows_bucket{lane="small",le="2.0"} 5.0
digitcodec_batch_rows_bucket{lane="small",le="+Inf"} 5.0
digitcodec_batch_rows_count{lane="small"} 5.0
digitcodec_batch_rows_sum{lane="small"} 8.0
digitcodec_batch_rows_bucket{lane="bulk",le="1.0"} 0.0
digitcodec_batch_rows_bucket{lane="bulk",le="2.0"} 0.0
digitcodec_batch_rows_bucket{lane="bulk",le="+Inf"} 1.0
digitcodec_batch_rows_count{lane="bulk"} 1.0
digitcodec_batch_rows_sum{lane="bulk"} 512.0
"""


def build_sample(rate: float, ms: float, processor_us: float | None = None, batches: Batches | None = None) -> Sample:
    """A system that answers always in the same time."""
    return Sample(rate, np.full(10, ms / 1e3), processor_us, batches)


def build_rounds() -> list[Round]:
    """Two rounds in which everybody meets."""
    batches = Batches(10, 200, Counter({16.0: 4, 32.0: 10}))
    return [
        {
            ("ours", ENCODE_1): build_sample(1000 * factor, 1.5),
            ("direct session", ENCODE_1): build_sample(1500, 1.0),
            ("thin gateway", ENCODE_1): build_sample(500, 2.0),
            ("direct stub", ENCODE_1): build_sample(700, 1.5),
            ("ours", ENCODE_64): build_sample(12000 * factor, 5, 60, batches),
            ("bare floor", ENCODE_64): build_sample(10000, 6, 90),
            ("naive", ENCODE_64): build_sample(1000, 60, 1000),
            ("thin gateway", ENCODE_64): build_sample(6000, 10, 100),
            ("direct session", ENCODE_64): build_sample(18000, 1),
        }
        for factor in (1.0, 1.2)
    ]


def find(findings: list[Finding], name: str, load: str = "") -> Finding:
    """The one that has this in its name."""
    (found,) = (each for each in findings if name in each.name and load == each.load)
    return found


def test_every_asked_ratio_is_found_round_by_round() -> None:
    """Each is made of samples of the same round, and held against its bar."""
    findings = find_ratios(build_rounds(), list_loads([1, 64]))

    assert pytest.approx((1.2, 1.44)) == find(findings, f"{ENCODE_64}: ours / bare floor").values
    assert pytest.approx((1.5, 1.5)) == find(findings, f"{ENCODE_1}: ours / direct session").values
    assert pytest.approx((2 / 3, 0.8)) == find(findings, "at the same batch size").values
    assert pytest.approx((0.5, 5 / 12)) == find(findings, "thin gateway / ours").values
    assert pytest.approx((0.5, 0.5)) == find(findings, "thin gateway - direct stub, ms").values
    assert pytest.approx((12.0, 14.4)) == find(findings, "images/s, ours / naive", ENCODE_64).values
    assert all(each.bar.holds for each in findings)


def test_what_was_not_measured_is_not_found() -> None:
    """Other concurrencies than 1 and 64 leave the ratios out that need these."""
    rounds: list[Round] = [{("ours", "encode, c=4"): build_sample(10, 1), ("naive", "encode, c=4"): build_sample(5, 1)}]

    assert ["images/s, ours / naive", "p99, ours / naive"] == [
        each.name for each in find_ratios(rounds, list_loads([4]))
    ]


def test_a_missed_bar_is_called_short() -> None:
    """Of a ceiling and of a floor, at the median."""
    slow = Finding("p50", (1.5, 1.7, 1.8), 1.6)
    few = Finding("images/s", (0.5,), 0.6, is_floor=True)
    table = render_findings([slow, few, Finding("just so", (2.0,))])

    assert "| p50 | 1.70 | 0.18 | <= 1.6 | short |" in table
    assert "| images/s | 0.50 | 0.00 | >= 0.6 | short |" in table
    assert "| just so | 2.00 | 0.00 |  |  |" in table


def test_figures_of_many_loads_share_a_table() -> None:
    """A row for each load, a column for each figure; a gap where there is none."""
    findings = [Finding("a", (1.0, 2.0), load="x"), Finding("b", (3.0,), load="x"), Finding("b", (4.0,), load="y")]

    assert [
        "| median (spread) | a | b |",
        "| --- | ---: | ---: |",
        "| x | 1.50 (0.67) | 3.00 (0.00) |",
        "| y |  | 4.00 (0.00) |",
    ] == render_findings(findings).splitlines()


def test_samples_have_a_row_for_each_load_and_system() -> None:
    """Medians over the rounds, with batches and processor time where they are known."""
    table = render_samples(build_rounds())

    assert "| encode, c=64 | ours | 13,200 | 0.18 | 5.00 | 5.00 | 60 | 20.0 |" in table
    assert "| encode, c=1 | direct session | 1,500 | 0.00 | 1.00 | 1.00 |  |  |" in table


def test_spread_is_the_range_in_medians() -> None:
    """(max - min) / median; one value has none."""
    assert pytest.approx(0.5) == find_spread([8, 10, 13])
    assert 0 == find_spread([7])


def test_growth_is_p99_beside_over_alone() -> None:
    """The single images beside large requests against those alone."""
    assert pytest.approx((2.5,)) == find_growth([(build_sample(1, 2), build_sample(1, 5))]).values
    assert pytest.approx((1.1,)) == find_memory_growth(500, 550, 10, 20).values


def test_lanes_of_the_metric_are_added() -> None:
    """All lanes together; shares of what lies between two bounds."""
    batches = parse_batches(METRICS)

    assert (6, 520) == (batches.count, batches.rows)
    assert pytest.approx({1.0: 2 / 6, 2.0: 3 / 6, float("inf"): 1 / 6}) == dict(batches.list_shares())


def test_batches_since_an_earlier_look() -> None:
    """Only what was formed in between counts."""
    earlier = Batches(2, 2, Counter({1.0: 2, 2.0: 2}))
    later = Batches(6, 10, Counter({1.0: 2, 2.0: 6}))

    assert 2.0 == later.since(earlier).mean_rows
    assert [(2.0, 1.0)] == later.since(earlier).list_shares()
    assert 0.0 == later.since(later).mean_rows


def test_batches_of_all_rounds_are_joined() -> None:
    """Rounds are added; nothing comes of systems that tell nothing."""
    told = join_batches([round_["ours", ENCODE_64] for round_ in build_rounds()])

    assert told is not None
    assert (20, 20.0) == (told.count, told.mean_rows)
    assert join_batches([build_sample(1, 1)]) is None


def test_loads_have_names_of_their_own() -> None:
    """Singles by concurrency, then bulk."""
    names = [load.name for load in list_loads([1, 64])]

    assert ["encode, c=1", "encode, c=64", "reconstruct, c=1", "reconstruct, c=64"] == names[:4]
    assert ["encode 256 npy, c=4", "encode 4096 npy, c=2"] == names[4:]


def test_requests_hold_the_digits_in_turn() -> None:
    """A request for each of 64 digits; large ones go round."""
    assert [[0], [1], [2], [0]] == [rows.tolist() for rows in list_rows(Load("encode", 1), 3)[:4]]
    assert [0, 1, 2, 0] == list_rows(Load("encode", 4, 256), 3)[0][:4].tolist()
    assert 2 == len(split_into_requests(Load("encode", 2, 4096), np.zeros((3, 28, 28), np.uint8)))


def test_requests_are_ready_for_the_wire() -> None:
    """PNG for JSON where there is one image, npy for npy where there are many, at the system's own path."""
    digits = np.zeros((3, 28, 28), np.uint8)
    single = render_requests(Load("encode", 1), digits, "/elsewhere")[0]
    bulk = render_requests(Load("encode", 4, 256), digits, "/encode")[0]

    assert single.startswith(b"POST /elsewhere HTTP/1.1\r\n")
    assert b"Content-Type: image/png" in single
    assert b"Accept: application/x-npy" in bulk


def test_length_of_an_answer_whatever_the_case() -> None:
    """Without a length there is no knowing where it ends."""
    assert 12 == read_length(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nx: y")
    with pytest.raises(UnexpectedAnswerError, match="without a length"):
        read_length(b"HTTP/1.1 200 OK\r\nx: y")


def test_wrong_answers_are_seen() -> None:
    """Another image's codes, another shape, nothing to compare."""
    codes = np.array([[0.1, 0.2]], np.float32)

    assert [] == list(find_differences({"codes": codes + 1e-5}, {"codes": codes}))
    assert ["codes are not those of the image"] == list(find_differences({"codes": codes + 1}, {"codes": codes}))
    assert "shape" in next(find_differences({"codes": codes[0]}, {"codes": codes}))
    assert ["codes are missing"] == list(find_differences({}, {"codes": codes}))


class Puppet:
    """A contestant that notes its turns.

    Attributes:
        name: For the tables.
        needs_others: Whether it must come last.
    """

    def __init__(self, name: str, turns: list[str], *, needs_others: bool = False) -> None:
        self.name, self.needs_others, self._turns = name, needs_others, turns

    def takes(self, load: Load) -> bool:
        """Single images only."""
        return load.rows == 1

    def measure(self, load: Load, seconds: float, before: Mapping[Key, Sample]) -> Sample:
        """Note the turn, and how many came before."""
        self._turns.append(self.name)
        return build_sample(len(before), seconds)


def test_contestants_take_turns_in_changing_order() -> None:
    """Another one begins in each round; who needs the others stays last; loads that nobody takes are left out."""
    turns: list[str] = []
    contestants = [Puppet("a", turns), Puppet("needy", turns, needs_others=True), Puppet("b", turns)]
    loads, said = [Load("encode", 1), Load("encode", 4, 256)], list[str]()
    rounds = list(measure_rounds(contestants, loads, 2, 0.1, said.append))

    assert ["a", "b", "needy", "b", "a", "needy"] == turns
    assert {("a", ENCODE_1), ("b", ENCODE_1), ("needy", ENCODE_1)} == set(rounds[0])
    assert "round 1 of 2, encode, c=1: a 0/s, b 1/s, needy 2/s" == said[0]
    assert [] == rotate([], 3)


def test_changes_are_new_over_old() -> None:
    """Rates, latencies and processor time of the same load."""
    rounds: list[Round] = [{("new", ENCODE_1): build_sample(200, 1, 50), ("old", ENCODE_1): build_sample(100, 2, 100)}]
    ratios = {each.name: each.median for each in find_changes(rounds, [Load("encode", 1)])}

    assert {
        "images/s, new / old": 2.0,
        "p50, new / old": 0.5,
        "p99, new / old": 0.5,
        "processor time of a request, new / old": 0.5,
    } == pytest.approx(ratios)


def test_unknown_commit_is_refused() -> None:
    """Before anything is started."""
    with pytest.raises(UnknownRevisionError, match="no-such-commit"), checked_out("no-such-commit"):
        pytest.fail("it was checked out")


def test_without_py_spy_there_is_no_flame_graph(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(NoFlameError, match="pip install py-spy"):
        find_py_spy()


@pytest.mark.parametrize("arguments", [["--seconds", "0"], ["--seconds", "x"], ["--rounds", "0"], ["--rounds", "-1"]])
def test_senseless_numbers_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """In words that hold the value."""
    parser = argparse.ArgumentParser()
    add_common(parser, seconds=1.0)
    with pytest.raises(SystemExit):
        parser.parse_args(arguments)

    assert repr(arguments[1]) in capsys.readouterr().err


def test_concurrencies_are_sorted_and_different() -> None:
    """As the plots want them."""
    assert (1, 16, 64) == parse_counts("64,1,16,1")
    with pytest.raises(argparse.ArgumentTypeError, match="'0'"):
        parse_counts("1,0")


def test_a_folder_without_a_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is started."""
    parser = argparse.ArgumentParser()
    add_common(parser, seconds=1.0)
    with pytest.raises(SystemExit):
        parser.parse_args(["--version-dir", str(tmp_path)])

    assert "has no saved_model.pb" in capsys.readouterr().err


def test_json_and_pictures_are_written(tmp_path: Path) -> None:
    """Every round stands in the JSON; the pictures are PNG files."""
    rounds = build_rounds()
    write_json(rounds, find_ratios(rounds, list_loads([1, 64])), {"rounds": 2, "out": tmp_path}, tmp_path / "r.json")
    draw_concurrency(rounds, (1, 64), tmp_path / "c.png")
    draw_histograms(rounds, (1, 64), tmp_path / "h.png")
    document = json.loads((tmp_path / "r.json").read_bytes())
    sample = next(each for each in document["samples"] if each["system"] == "ours" and each["load"] == ENCODE_64)

    assert [12000, 14400] == [each["images_per_s"] for each in sample["rounds"]]
    assert [{"up_to": "16.0", "share": 0.4}, {"up_to": "32.0", "share": 0.6}] == sample["rounds"][0]["batches"]
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in ("c.png", "h.png"))
