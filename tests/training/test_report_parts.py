"""The pieces of the report: each draws or says what its data mean."""

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image

from training.report.charts import BLUE, HALO, INK, SMALL, WIDE, class_colour, render_chart
from training.report.codes import build_manifold, build_projections, build_samples, judge_units, render_projection
from training.report.headline import Finding, build_findings
from training.report.pictures import Picture, build_difference, build_picture, build_sheet
from training.report.scores import count_nines, describe_band, list_promises, trace_roc
from training.report.words import name_noise, name_strange_set, write_count, write_duration, write_error, write_share

METRICS: dict[str, Any] = {
    "clean": {"mse": 0.003, "psnr_db": 26.0},
    "pca_mse": 0.015,
    "denoising_table": {
        "noises": {
            "gaussian_25": {
                "methods": {"model": {"psnr_db": 24.0}, "identity": {"psnr_db": 15.0}, "tv": {"psnr_db": 18.2}},
                "best_classical": "tv",
                "ratio_to_best_classical": 0.3,
            }
        }
    },
    "auroc_by_score": {"blank": 1.0, "flipped": 0.96, "mean": 0.98},
    "false_alarm_rate": {"at_99": 0.009},
    "calibration": {"size": 5000},
    "dead_code_units": 0,
    "knn_accuracy": 0.98,
}
DENOISER: dict[str, Any] = {"code_dim": 32, "recipe": {"fit": {"corruption": {"blur": {}}}}}


def open_picture(picture: Picture) -> NDArray[np.uint8]:
    """The pixels that a browser gets."""
    packed = base64.b64decode(picture.uri.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(packed)))


def draw_first_unit(codes: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A decoder: pictures as bright as the first unit says."""
    grey = np.clip(128 + 50 * codes[:, 0], 0, 255).astype(np.uint8)
    return np.broadcast_to(grey[:, np.newaxis, np.newaxis], (len(codes), 28, 28))


def test_picture_is_the_image_itself() -> None:
    """No pixel changes on the way into the page."""
    image = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)

    assert np.array_equal(image, open_picture(build_picture(image, "a digit")))


def test_difference_tells_lost_ink_from_added_ink() -> None:
    """Blue where ink is missing, red where there is too much, clear where both agree; twice as strong as it is."""
    image, reconstruction = np.zeros((2, 28, 28), np.uint8)
    image[0, 0], reconstruction[0, 1], reconstruction[0, 2] = 50, 50, 200
    lost, added, much, equal = open_picture(build_difference(image, reconstruction, "difference"))[0, :4].astype(int)

    assert lost[2] > lost[0]
    assert added[0] > added[2]
    assert [100, 100, 255, 0] == [lost[3], added[3], much[3], equal[3]]


def test_sheet_keeps_the_order_of_its_images() -> None:
    """Row by row, from the left, with clear gaps."""
    images = np.stack([np.full((28, 28), 10 * number, np.uint8) for number in range(6)])
    sheet = open_picture(build_sheet(images, 3, "six"))

    assert (58, 88, 2) == sheet.shape
    assert [0, 10, 20, 30, 40, 50] == [sheet[row, column, 0] for row in (0, 57) for column in (0, 30, 60)]
    assert 0 == sheet[28, 0, 1]


def test_chart_is_a_part_of_a_page() -> None:
    """Variables for colours, text for words, no style sheet of its own, no names that others could have."""

    def paint(axes: Axes) -> None:
        axes.plot([1, 2], [1, 2], color=BLUE)
        axes.annotate("a < b & c", (1, 1), color=INK, gid=HALO)

    chart = render_chart('what "it" shows', paint, WIDE)

    assert chart.startswith('<svg viewBox="0 0 440 270" width="440" role="img" aria-label="what &quot;it&quot; shows">')
    assert "stroke: var(--blue)" in chart
    assert '<g class="halo"><text' in chart
    assert "a &lt; b &amp; c</text>" in chart
    for foreign in ("<style", "xmlns", "font-family", 'id="axes', "<?xml", "<!DOCTYPE"):
        assert foreign not in chart, foreign


def test_names_inside_a_chart_are_its_own() -> None:
    """Two charts of the same lines refer each to its own clip path, also where the other one is hidden."""

    def paint(axes: Axes) -> None:
        axes.plot([1, 2], [1, 2])

    def find_names(alt: str) -> set[str]:
        chart = render_chart(alt, paint, SMALL)
        return {part.partition('"')[0] for part in chart.split(' id="')[1:]}

    assert find_names("one")
    assert find_names("one").isdisjoint(find_names("two"))


def test_classes_have_colours_however_many_there_are() -> None:
    """Ten are different, then they come again."""
    assert 10 == len({class_colour(place) for place in range(10)})
    assert class_colour(3) == class_colour(13)


def test_two_wide_codes_are_shown_as_they_are() -> None:
    """No projection bends them."""
    codes = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    (projection,) = build_projections(codes)

    assert np.array_equal(codes, projection.places)


def test_principal_components_find_the_widest_plane() -> None:
    """What varies most lies to the right, the rest up; the axes say how much of it all they show."""
    codes = np.zeros((40, 5), np.float32)
    codes[:, 3], codes[:, 1] = np.tile([-3, 3], 20), np.repeat([-1, 1], 20)
    (projection,) = build_projections(codes)

    assert np.allclose([3] * 40, np.abs(projection.places[:, 0]))
    assert np.allclose([1] * 40, np.abs(projection.places[:, 1]))
    assert projection.axes is not None
    assert "90\N{NO-BREAK SPACE}% of the variance" in projection.axes[0]


def test_many_wide_codes_have_a_map_of_neighbours() -> None:
    """Two groups far apart stay two groups, in the same places every time."""
    draws = np.random.default_rng(0)
    codes = (draws.normal(size=(120, 4)) + 50 * np.repeat([0, 1], 60)[:, np.newaxis]).astype(np.float32)
    titles = [projection.title for projection in build_projections(codes)]
    first, second = (build_projections(codes)[1].places for _ in range(2))

    assert ["Principal components", "t-SNE"] == titles
    assert np.array_equal(first, second)
    middles = first[:60].mean(axis=0), first[60:].mean(axis=0)
    widest = max(np.linalg.norm(first[:60] - middles[0], axis=1).max(), 1e-9)
    assert np.linalg.norm(middles[0] - middles[1]) > widest


@pytest.mark.parametrize("codes", [np.ones((50, 8)), np.ones((50, 2)), np.arange(50.0)[:, np.newaxis]])
def test_dead_and_narrow_codes_have_no_map(codes: NDArray[np.float64]) -> None:
    """There is nothing to see in a point or on a line."""
    assert [] == build_projections(codes.astype(np.float32))


def test_every_class_is_named_on_the_map() -> None:
    """Colour alone does not have to tell ten classes apart."""
    codes = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    chart = render_projection(build_projections(codes)[0], np.arange(40) % 10)

    assert 10 == chart.count('class="halo"')


def test_manifold_rises_to_the_right() -> None:
    """The first unit grows from left to right and is the same from top to bottom."""
    codes = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    sheet = open_picture(build_manifold(codes, draw_first_unit))[..., 0]
    top, bottom = sheet[0, ::30].astype(int), sheet[-1, ::30].astype(int)

    assert 15 == len(top)
    assert all(np.diff(top) > 0)
    assert np.array_equal(top, bottom)


@pytest.mark.parametrize(("width", "shape"), [(1, (28, 448, 2)), (2, (448, 448, 2)), (7, (448, 448, 2))])
def test_codes_of_every_width_have_a_manifold(width: int, shape: tuple[int, ...]) -> None:
    """A line of digits where there is one unit, else a square; the decoder gets codes of its width."""
    asked: list[NDArray[np.float32]] = []

    def decode(codes: NDArray[np.float32]) -> NDArray[np.uint8]:
        asked.append(codes)
        return draw_first_unit(codes)

    codes = np.random.default_rng(0).normal(size=(30, width)).astype(np.float32)

    assert shape == open_picture(build_manifold(codes, decode)).shape
    assert [(width, np.dtype(np.float32))] == [(codes.shape[1], codes.dtype) for codes in asked]


def test_samples_are_drawn_from_the_standard_normal() -> None:
    """Sixty codes of mean 0 and deviation 1."""
    sheet = open_picture(build_samples(16, draw_first_unit))[..., 0].astype(float)
    first_units = (sheet[::30, ::30] - 128) / 50

    assert (4, 15) == first_units.shape
    assert 0 == pytest.approx(first_units.mean(), abs=0.3)
    assert 1 == pytest.approx(first_units.std(), abs=0.2)


@pytest.mark.parametrize(("dead", "told"), [(0, "every unit lives"), (2, "2 of 4 are dead"), (4, "all 4 are dead")])
def test_dead_units_are_told(dead: int, told: str) -> None:
    """As many as the evaluation counts."""
    codes = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    codes[:, :dead] = 1

    assert told in judge_units(codes)


def test_scores_are_counted_in_nines() -> None:
    """0.9 is one nine, 0.999 three; a score of 1 is as many as can be told."""
    assert [0, 1, 3, 6] == pytest.approx(count_nines(np.array([0, 0.9, 0.999, 1], np.float32)), abs=1e-3)


def test_roc_counts_what_lies_strictly_above() -> None:
    """Of four normal scores one false alarm lets the threshold be the second largest; a tie is not caught."""
    normal, strange = np.array([0.1, 0.2, 0.3, 0.4], np.float32), np.array([0.3, 0.35, 0.5, 0.9], np.float32)
    alarms, caught = trace_roc(normal, strange)

    assert [0.25, 0.5, 0.75, 1] == alarms.tolist()
    assert [0.75, 1, 1, 1] == caught.tolist()


def test_promises_end_where_the_calibration_does() -> None:
    """Nineteen calibration images promise nothing beyond 0.95."""
    scores = np.linspace(0, 0.999, 100).astype(np.float32)

    assert ["0.5", "0.8", "0.9", "0.95"] == [threshold for threshold, _, _ in list_promises(scores, 19)]
    assert ("0.9", "10.0\N{NO-BREAK SPACE}%", "10.00\N{NO-BREAK SPACE}%") in list_promises(scores, 19)
    assert 8 == len(list_promises(scores, None))


def test_band_tells_what_made_it() -> None:
    """Calibration digits too, where their number is known."""
    assert "5,000 calibration digits and 1 test digit allow" in describe_band(5000, 1)
    assert ": 40 test digits allow" in describe_band(None, 40)


def test_good_figures_worry_nobody() -> None:
    """Each has a sentence, none a mark; the neighbours come before the dead units."""
    findings = build_findings(METRICS, DENOISER, 10_000)

    assert [
        "0.0030",
        "24.0\N{NO-BREAK SPACE}dB",
        "0.980",
        "0.90\N{NO-BREAK SPACE}%",
        "98.0\N{NO-BREAK SPACE}%",
        "0 of 32",
    ] == [finding.value for finding in findings]
    assert [] == [finding for finding in findings if finding.is_concern]
    assert "5.0 times as much" in findings[0].meaning
    assert "total variation, reaches 18.2\N{NO-BREAK SPACE}dB" in findings[1].meaning
    assert "Hardest: flipped, 0.960" in findings[2].meaning


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({"pca_mse": 0.002}, "Error on clean digits"),
        ({"auroc_by_score": {"rotated": 0.7, "mean": 0.7}}, "Strange images told apart"),
        ({"false_alarm_rate": {"at_99": 0.02}}, "False alarms"),
        ({"dead_code_units": 2}, "Dead units"),
    ],
)
def test_a_figure_to_worry_about_is_marked(change: dict[str, Any], label: str) -> None:
    """That one, and no other."""
    assert [label] == _find_concerns(METRICS | change, DENOISER)


def test_chance_is_no_worry() -> None:
    """Of 100 test digits three false alarms say little; of 10,000 three hundred say all."""
    metrics = METRICS | {"false_alarm_rate": {"at_99": 0.03}}

    assert [] == _find_concerns(metrics, DENOISER, test_images=100)
    assert ["False alarms"] == _find_concerns(metrics, DENOISER, test_images=10_000)


@pytest.mark.parametrize(("corruption", "concerns"), [({"blur": {}}, ["Cleaning"]), (None, [])])
def test_only_a_model_that_was_shown_noise_must_beat_the_classics(corruption: Any, concerns: list[str]) -> None:
    """Of a plain recipe it is no defect that it cleans nothing."""
    table = json.loads(json.dumps(METRICS["denoising_table"]))
    table["noises"]["gaussian_25"]["ratio_to_best_classical"] = 1.3
    card = {"code_dim": 32, "recipe": {"fit": {"corruption": corruption}}}

    assert concerns == _find_concerns(METRICS | {"denoising_table": table}, card)


def _find_concerns(metrics: dict[str, Any], card: dict[str, Any], test_images: int = 10_000) -> list[str]:
    findings: list[Finding] = build_findings(metrics, card, test_images)
    return [finding.label for finding in findings if finding.is_concern]


def test_unknown_names_stay_readable() -> None:
    """A set that a user named, or a noise of a later version, is shown under its own name."""
    assert "my forms" == name_strange_set("my_forms").title
    assert "rain 3" == name_noise("rain_3").title


def test_numbers_are_written_for_people() -> None:
    """As few digits as tell it, with their unit."""
    assert ["0.0031", "0.0000", "3.1e-05"] == [write_error(error) for error in (0.00306, 0, 3.06e-5)]
    assert "0.91\N{NO-BREAK SPACE}%" == write_share(0.0091)
    assert ["1 image", "10,000 images"] == [write_count(count, "image") for count in (1, 10_000)]
    assert ["40 seconds", "1 minute", "26 minutes", "2 hours"] == [
        write_duration(seconds) for seconds in (40, 60, 1588.7, 7000)
    ]
