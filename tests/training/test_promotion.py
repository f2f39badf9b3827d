"""Two versions side by side: which figure is better, what is no difference, what cannot be compared or promoted."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from training.__main__ import main
from training.errors import EvaluationError, PromotionError
from training.promotion.comparison import Comparison, compare_versions
from training.promotion.promote import Promotion, promote
from training.promotion.rules import Figure, Sample, judge_figures
from training.promotion.side_by_side import conclude, render_comparison
from training.promotion.versions import find_newest, load_version

MNIST_SIZED = Sample(test_images=10_000, calibration_size=5_000)
METRICS = {
    "clean": {"mse": 0.003, "psnr_db": 26.0},
    "auroc_by_score": {"blank": 0.999, "mean": 0.99},
    "false_alarm_rate": {"at_99": 0.009},
    "knn_accuracy": 0.98,
    "left_out": {"fashion": "no pictures of clothes were given"},
}


def write_version(directory: Path, metrics: dict[str, Any] | None = None, **changes: Any) -> Path:
    """A version that nobody can load, with a card that says everything."""
    card = {
        "name": "digits",
        "code_dim": 32,
        "parameters": 1000,
        "recipe": {"name": "plain-32"},
        "seed": 0,
        "data": {"name": "mnist", "sha256": "5b92582eb909ffff", "test_images": 10_000},
        "metrics": METRICS if metrics is None else metrics,
        "calibration": {"size": 5000},
    }
    (directory / "assets.extra").mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(str(directory).encode())
    (directory / "assets.extra" / "model_card.json").write_text(json.dumps(card | changes))
    return directory


def change(**figures: Any) -> dict[str, Any]:
    """The usual figures with others in place of some."""
    return METRICS | figures


def judge(name: str, a: float, b: float, margin: float = 0.05, sample: Sample = MNIST_SIZED) -> Figure:
    """One figure of two versions."""
    (figure,) = judge_figures({name: a}, {name: b}, margin, sample)
    return figure


def compare(tmp_path: Path, a: dict[str, Any], b: dict[str, Any], **changes: Any) -> Comparison:
    """Two versions by their cards; the changes are the second one's."""
    one, other = write_version(tmp_path / "1", a), write_version(tmp_path / "2", b, **changes)
    return compare_versions(load_version(one), load_version(other), None, 0.05)


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [
        ("clean.mse", 0.0030, 0.0031),
        ("clean.bce", 0.080, 0.081),
        ("clean.psnr_db", 26.0, 25.9),
        ("clean.ssim", 0.95, 0.949),
        ("denoising.block_14.mse", 0.035, 0.036),
        ("denoising.gaussian_25.psnr_db", 23.6, 23.5),
        ("auroc_by_score.mean", 0.9910, 0.9905),
        ("auroc_by_error.flipped", 0.90, 0.899),
        ("knn_accuracy", 0.981, 0.980),
        ("false_alarm_rate.at_99", 0.0101, 0.0102),
        ("mse_by_digit.7", 0.0030, 0.0060),
        ("dead_code_units", 0, 12),
    ],
)
def test_small_differences_have_a_direction_and_decide_nothing(name: str, better: float, worse: float) -> None:
    """Whichever side it is on, the better figure is the better one; within the margin nobody wins."""
    assert ("a", None) == (judge(name, better, worse).better, judge(name, better, worse).winner)
    assert ("b", None) == (judge(name, worse, better).better, judge(name, worse, better).winner)


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [
        ("clean.mse", 0.0030, 0.0032),
        ("clean.bce", 0.080, 0.085),
        ("clean.psnr_db", 26.0, 25.75),
        ("clean.ssim", 0.95, 0.945),
        ("denoising.block_14.mse", 0.035, 0.038),
        ("denoising.gaussian_25.psnr_db", 23.6, 23.3),
        ("auroc_by_score.mean", 0.99, 0.98),
        ("auroc_by_error.flipped", 0.90, 0.89),
        ("knn_accuracy", 0.981, 0.977),
        ("false_alarm_rate.at_99", 0.009, 0.015),
        ("false_alarm_rate.at_95", 0.050, 0.060),
    ],
)
def test_differences_beyond_the_margin_decide(name: str, better: float, worse: float) -> None:
    """More than five per cent of an error or of the misses, and more than chance, is a win."""
    assert "a" == judge(name, better, worse).winner
    assert "b" == judge(name, worse, better).winner


def test_margin_is_what_the_caller_says() -> None:
    """The same difference decides or not; exactly the margin is not beyond it; without one each difference decides."""
    assert "a" == judge("clean.mse", 0.002, 0.0021, margin=0.04).winner
    assert judge("clean.mse", 0.002, 0.0021, margin=0.05).winner is None
    assert "b" == judge("clean.mse", 0.002001, 0.002, margin=0).winner
    assert judge("clean.mse", 0.002, 0.002, margin=0).better is None


def test_few_test_digits_leave_more_to_chance() -> None:
    """Two misses more are something among ten thousand digits, and nothing among 180."""
    few = Sample(test_images=180, calibration_size=300)

    assert "a" == judge("auroc_by_score.mean", 0.99, 0.98).winner
    assert judge("auroc_by_score.mean", 0.99, 0.985, sample=few).winner is None
    assert judge("knn_accuracy", 1.0, 0.99, sample=few).winner is None
    assert judge("false_alarm_rate.at_99", 0.01, 0.025, sample=few).winner is None


def test_perfect_share_may_lose_a_little() -> None:
    """Beside an AUROC of 1 one of 0.9999 is no worse, one of 0.999 is."""
    assert judge("auroc_by_score.blank", 1.0, 0.9999).winner is None
    assert "a" == judge("auroc_by_score.blank", 1.0, 0.999).winner


def test_false_alarms_below_their_promise_are_all_alike() -> None:
    """A cautious calibration is no better than one that uses all that it may."""
    assert judge("false_alarm_rate.at_99", 0.0, 0.01).better is None
    assert judge("false_alarm_rate.at_95", 0.05, 0.02).better is None


@pytest.mark.parametrize("name", ["pca_mse", "new.figure", "false_alarm_rate.at_most", "false_alarm_rate.at_100"])
def test_unknown_figures_are_shown_alone(name: str) -> None:
    """Nobody says which direction is better, so neither is."""
    assert Figure(name, 1.0, 2.0) == judge(name, 1.0, 2.0)


def test_figures_of_one_version_are_shown_alone() -> None:
    """Both sides' own figures are there, in order, and decide nothing."""
    figures = judge_figures({"clean.mse": 1, "clean.ssim": 0.9}, {"clean.bce": 2, "clean.ssim": 0.9}, 0, MNIST_SIZED)

    assert [("clean.mse", 1, None), ("clean.ssim", 0.9, 0.9), ("clean.bce", None, 2)] == [
        (figure.name, figure.a, figure.b) for figure in figures
    ]
    assert [None] * 3 == [figure.better for figure in figures]


def test_figure_that_is_no_number_loses() -> None:
    """NaN and infinity are worse than any number, and as good as each other."""
    for name in ("clean.mse", "clean.psnr_db", "knn_accuracy", "false_alarm_rate.at_99"):
        assert "b" == judge(name, math.nan, 0.5).winner
    assert judge("clean.mse", math.nan, math.inf).better is None


def test_figures_that_cannot_be_do_not_crash() -> None:
    """A card may hold anything: an AUROC above 1, a PSNR of a million."""
    assert "a" == judge("auroc_by_score.mean", 1.5, -3.0).winner
    assert "b" == judge("clean.psnr_db", -1e6, 1e6).winner


def test_version_that_wins_somewhere_and_loses_nowhere_ships(tmp_path: Path) -> None:
    """The sentence names it, says where it is better, the clearest first, and by which margin it was judged."""
    better = change(clean={"mse": 0.0028, "psnr_db": 29.0})

    verdict = conclude(compare(tmp_path, METRICS, better))

    assert "b" == verdict.ship
    assert verdict.why == (
        f"ship B, {tmp_path / '2'}: it is better at clean.psnr_db (29.00000 against 26.00000), clean.mse "
        "(0.00280 against 0.00300), and worse by more than the margin of 5 % at nothing"
    )


def test_no_winner_where_each_is_better_at_something(tmp_path: Path) -> None:
    """The sentence says what each is better at."""
    mixed = change(knn_accuracy=0.99, clean={"mse": 0.004, "psnr_db": 26.0})

    verdict = conclude(compare(tmp_path, METRICS, mixed))

    assert verdict.ship is None
    assert verdict.why == (
        "no clear winner: A is better at clean.mse (0.00300 against 0.00400); "
        "B is better at knn_accuracy (0.99000 against 0.98000)"
    )


def test_no_winner_among_equals(tmp_path: Path) -> None:
    """Where nothing differs, the smaller one is named."""
    assert conclude(compare(tmp_path, METRICS, METRICS, parameters=900)) == (
        None,
        "no clear winner: no figure differs by more than the margin of 5 %; B has fewer parameters",
    )


def test_long_lists_of_wins_are_cut(tmp_path: Path) -> None:
    """A sentence names four figures and counts the rest; the table has them all."""
    comparison = compare(
        tmp_path,
        {"denoising": {str(place): {"mse": 0.01} for place in range(6)}},
        {"denoising": {str(place): {"mse": 0.02} for place in range(6)}},
    )

    assert "denoising.3.mse (0.01000 against 0.02000) and 2 more, and worse by" in conclude(comparison).why
    assert 6 == render_comparison(comparison).count("+0.01000  A")


def test_table_shows_every_figure(tmp_path: Path) -> None:
    """Values, difference and the better side, in brackets where it decides nothing; missing ones as a dash."""
    lines = render_comparison(
        compare(tmp_path, change(clean={"mse": 0.002, "psnr_db": 26.0}), change(clean={"mse": 0.003, "psnr_db": 26.1}))
    ).splitlines()

    assert ["A", "B"] == lines[0].split()
    assert ["recipe", "plain-32", "plain-32"] == lines[2].split()
    assert ["clean.mse", "0.00200", "0.00300", "+0.00100", "A"] == lines[12].split()
    assert ["clean.psnr_db", "26.00000", "26.10000", "+0.10000", "(B)"] == lines[13].split()


def test_other_code_width_is_told(tmp_path: Path) -> None:
    """Such versions can be compared; the reader learns what a change would cost."""
    comparison = compare(tmp_path, METRICS, METRICS, code_dim=16)

    assert ("codes of 32 and of 16 numbers: stored codes of the one do not fit the other",) == comparison.notes
    assert f"note: {comparison.notes[0]}" in render_comparison(comparison)


def test_cards_of_other_digits_are_not_compared(tmp_path: Path) -> None:
    """The message names both data sets and the way out."""
    other = {"name": "own", "sha256": "00" * 32, "test_images": 50}

    with pytest.raises(
        EvaluationError, match=r"1 was measured on mnist 5b92582eb909, .*2 on own 000000000000; .* with --data$"
    ):
        compare(tmp_path, METRICS, METRICS, data=other)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (METRICS, change(pca_mse=0.1), r"^only the model card of .*2 has pca_mse; measure .* with --data$"),
        (
            change(mse_by_digit={"0": 1, "1": 1, "2": 1, "3": 1, "4": 1}),
            METRICS,
            r"^only the model card of .*1 has mse_by_digit.0, mse_by_digit.1, mse_by_digit.2 and 2 more; ",
        ),
        ({}, {"left_out": {}}, "^the model cards hold no figures; "),
    ],
)
def test_cards_measured_otherwise_are_not_compared(
    a: dict[str, Any], b: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """The message says which figures only one card has, and the way out."""
    with pytest.raises(EvaluationError, match=message):
        compare(tmp_path, a, b)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"code_dim": 0}, "has code_dim 0, expected a number from 1$"),
        ({"recipe": "plain"}, "has recipe.name None, expected a name$"),
        ({"seed": "zero"}, "has seed 'zero', expected a whole number$"),
        ({"data": {"name": "mnist"}}, "has data.sha256 None, expected a digest$"),
        ({"calibration": None}, "has calibration.size None, expected a number from 1$"),
        ({"metrics": [1]}, r"has metrics \[1\], expected figures by name$"),
    ],
)
def test_card_that_says_too_little_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    """The message names the field, what it holds and what it should."""
    with pytest.raises(EvaluationError, match=f"^the model card of .*7 {message}"):
        load_version(write_version(tmp_path / "7", **changes))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "7/assets.extra/model_card.json is no readable model card: Expecting"),
        (b"\xff", "is no readable model card: 'utf-8'"),
        (b'{"seed": NaN}', "is no readable model card: Out of range"),
        (b"[" * 100_000, "is no readable model card: maximum recursion"),
        (b"[]", "is no model card: it holds a JSON list, expected an object"),
        (None, "has no model card, expected .*model_card.json"),
    ],
)
def test_broken_card_is_refused_in_one_line(content: bytes | None, message: str, tmp_path: Path) -> None:
    """Whatever is wrong with it, the message says where it is."""
    path = write_version(tmp_path / "7") / "assets.extra" / "model_card.json"
    path.unlink() if content is None else path.write_bytes(content)

    with pytest.raises(EvaluationError, match=message) as refused:
        load_version(tmp_path / "7")
    assert 1 == len(str(refused.value).splitlines())


def test_folders_that_are_no_versions_are_refused(tmp_path: Path) -> None:
    """A missing folder, a model, a SavedModel without a number: each message says what to give."""
    write_version(tmp_path / "digits" / "9")
    write_version(tmp_path / "digits" / "10")
    write_version(tmp_path / "best")

    for folder, message in (
        ("nowhere", "holds no saved_model.pb; give a version, such as"),
        ("digits", f"is a model with the versions 9, 10; give one, such as {tmp_path / 'digits' / '10'}"),
        ("best", "does not end in a version number"),
    ):
        with pytest.raises(EvaluationError, match=f"^{tmp_path / folder} {message}"):
            load_version(tmp_path / folder)


def test_newest_version_has_the_largest_number(tmp_path: Path) -> None:
    """Ten comes after nine; folders without a graph and what is being written are no versions."""
    write_version(tmp_path / "9")
    write_version(tmp_path / "10")
    write_version(tmp_path / ".incoming-11")
    (tmp_path / "11").mkdir()

    assert tmp_path / "10" == find_newest(tmp_path)
    assert find_newest(tmp_path / "nowhere") is None


def refuse(candidate: Path, models: Path, **conditions: Any) -> str:
    """Why a candidate may not follow the newest version of `models`/digits."""
    with pytest.raises(PromotionError) as refused:
        promote(Promotion(candidate, models, "digits", **conditions), show=lambda _: None)
    return str(refused.value)


def test_worse_candidate_is_refused_by_name_of_every_worse_figure(tmp_path: Path) -> None:
    """What is worse within the margin, or better, is not named; nothing is written."""
    published = write_version(tmp_path / "digits" / "3")
    worse = change(
        clean={"mse": 0.005, "psnr_db": 25.9}, knn_accuracy=0.9, auroc_by_score={"blank": 1.0, "mean": 0.9895}
    )
    candidate = write_version(tmp_path / "tried" / "1", worse)

    assert refuse(candidate, tmp_path) == (
        f"{candidate} is worse than {published} by more than the margin of 5 % at knn_accuracy (0.98000 -> 0.90000), "
        "clean.mse (0.00300 -> 0.00500); nothing was published"
    )
    assert [published] == list((tmp_path / "digits").iterdir())


def test_other_code_width_is_refused_unless_allowed(tmp_path: Path) -> None:
    """Stored codes would no longer fit; with the flag the figures decide."""
    write_version(tmp_path / "digits" / "3")
    candidate = write_version(tmp_path / "tried" / "1", change(knn_accuracy=0.5), code_dim=16)

    assert "has codes of 16 numbers" in refuse(candidate, tmp_path)
    assert "--allow-code-change" in refuse(candidate, tmp_path)
    assert "is worse than" in refuse(candidate, tmp_path, allow_code_change=True)


def test_newest_version_is_not_promoted_again(tmp_path: Path) -> None:
    """Neither itself, by whatever path, nor another copy of the same model."""
    newest = write_version(tmp_path / "digits" / "3")
    (tmp_path / "9").symlink_to(newest)
    copy = write_version(tmp_path / "tried" / "1", seed=8)
    (copy / "saved_model.pb").write_bytes((newest / "saved_model.pb").read_bytes())

    assert "is already the newest version of digits" in refuse(newest, tmp_path)
    assert "is already the newest version of digits" in refuse(tmp_path / "9", tmp_path)
    assert f"{copy} holds the same model as {newest}, the newest version" == refuse(copy, tmp_path)


def test_promote_command_prints_the_comparison_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table is on stdout, one line on stderr, the status is 2."""
    write_version(tmp_path / "digits" / "3")
    candidate = write_version(tmp_path / "tried" / "1", change(knn_accuracy=0.9))

    assert 2 == main(["promote", str(candidate), "--models", str(tmp_path)])

    printed = capsys.readouterr()
    assert "knn_accuracy" in printed.out
    assert 1 == len(printed.err.splitlines())
    assert printed.err.startswith(f"error: {candidate} is worse than ")


def test_margin_of_the_command_decides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a margin of 5 % tells apart, one of 70 % does not."""
    one = write_version(tmp_path / "1")
    other = write_version(tmp_path / "2", change(clean={"mse": 0.005, "psnr_db": 26.0}))

    assert 0 == main(["compare", str(one), str(other)])
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"ship A, {one}: it is better at clean.mse")
    assert 0 == main(["compare", str(one), str(other), "--margin", "0.7"])
    assert capsys.readouterr().out.splitlines()[-1].startswith("no clear winner")


def test_comparison_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Facts, every figure, the verdict; a program needs nothing of the table."""
    one = write_version(tmp_path / "1", {"knn_accuracy": 0.9, "pca_mse": 0.5})
    other = write_version(tmp_path / "2", {"knn_accuracy": 0.98, "pca_mse": 0.5}, seed=4)

    assert 0 == main(["compare", str(one), str(other), "--json"])

    values = json.loads(capsys.readouterr().out)
    assert (str(one), 0, 4) == (values["a"]["directory"], values["a"]["seed"], values["b"]["seed"])
    assert ("b", 0.05, "the model cards, measured on mnist") == (
        values["ship"],
        values["margin"],
        values["figures_from"],
    )
    assert values["figures"] == [
        {"name": "knn_accuracy", "a": 0.9, "b": 0.98, "difference": 0.08, "better": "b", "beyond_margin": True},
        {"name": "pca_mse", "a": 0.5, "b": 0.5, "difference": 0.0, "better": None, "beyond_margin": False},
    ]


def test_clothes_without_digits_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Cards cannot be measured again."""
    one = write_version(tmp_path / "1")

    assert 2 == main(["compare", str(one), str(one), "--fashion", "clothes"])
    assert capsys.readouterr().err.startswith("error: --fashion is given without --data")


@pytest.mark.parametrize("margin", ["-0.1", "nan", "inf", "five"])
def test_impossible_margins_are_refused(margin: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message holds the value and what is expected."""
    with pytest.raises(SystemExit) as stopped:
        main(["compare", "1", "2", f"--margin={margin}"])

    assert 2 == stopped.value.code
    assert "is given, expected a number" in capsys.readouterr().err


def test_cards_are_compared_without_tensorflow(tmp_path: Path) -> None:
    """The answer is there at once, because nothing is loaded for it."""
    one, other = write_version(tmp_path / "1"), write_version(tmp_path / "2")
    script = (
        "import sys, training.__main__ as cli\n"
        f"cli.main(['compare', {str(one)!r}, {str(other)!r}])\n"
        "print(sorted({'tensorflow', 'sklearn', 'skimage', 'matplotlib'} & sys.modules.keys()))"
    )

    done = subprocess.run(  # our own interpreter and script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "[]" == done.stdout.splitlines()[-1]
