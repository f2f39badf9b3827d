"""The report's page: whole, self-contained, and standing where parts of an evaluation are missing."""

import dataclasses
import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from training.data.load import DigitData
from training.errors import EvaluationError
from training.evaluation.evaluated import Answers, Evaluated, NoiseExamples, StrangeAnswers
from training.evaluation.measures import count_dead_units
from training.report.fit_curves import History
from training.report.page import render_page
from training.report.version import Version, read_version
from training.report.write import replace_file

SECTIONS = ["summary", "reconstructions", "cleaning", "fit", "code", "anomalies", "again"]
CARD: dict[str, Any] = {
    "name": "digits",
    "code_dim": 3,
    "parameters": 1234,
    "recipe": {
        "name": "denoising-32",
        "summary": "cleans noisy digits",
        "source": "this project",
        "network": {"kind": "residual", "variational": False},
        "fit": {"corruption": {"gaussian": {"share": 0.25}}},
    },
    "seed": 7,
    "data": {"name": "squares", "sha256": "0" * 64, "train_images": 100, "test_images": 40},
    "training_seconds": 90.0,
    "command": "python -m training fit --recipe denoising-32 --data DIR/squares --seed 7",
    "created": "2026-11-21T01:40:43+00:00",
    "git_commit": "cafe" * 10,
    "libraries": {"python": "3.11.7", "tensorflow": "2.21.0"},
}
HISTORY = History(np.array([100.0, 200.0, 300.0]), np.array([0.3, 0.1, 0.05]), np.array([0.2, 0.09, 0.1]))
VERSION = Version("digits", "4", CARD, HISTORY)


class _Outline(HTMLParser):
    """What a page refers to, what can be referred to, and what a blind reader is told."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.sources: list[str] = []
        self.tags: list[str] = []
        self.unnamed_pictures: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.targets += [given["href"] or ""] if "href" in given else []
        self.sources += [given["src"] or ""] if "src" in given else []
        if (tag == "img" and not given.get("alt")) or (tag == "svg" and not given.get("aria-label")):
            self.unnamed_pictures.append(self.get_starttag_text() or tag)


def build_data(count: int = 40, *, labelled: bool = True) -> DigitData:
    """Bright squares of four sizes, the size being the class."""
    labels = np.arange(count) % 4
    images = np.zeros((count, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[8 : 14 + label, 8 : 14 + label] = 200
    return DigitData("squares", images, None, images, labels if labelled else None, "0" * 64)


def build_evaluation(
    data: DigitData, codes: NDArray[np.float32] | None = None, *, calibration_size: int | None = 20
) -> Evaluated:
    """An evaluation as a fair codec would get it, of one noise and two strange sets."""
    draws, count = np.random.default_rng(0), len(data.test_images)
    if codes is None:
        codes = draws.normal(size=(count, 3)).astype(np.float32)
    errors = draws.uniform(0.001, 0.01, count).astype(np.float32)
    scores = draws.uniform(0, 0.999, count).astype(np.float32)
    pictures = data.test_images[:3]
    strange = StrangeAnswers(pictures, 255 - pictures, errors[:5] * 10, np.minimum(scores[:5] + 0.5, 1))
    sets = {
        "images": 5,
        "auroc_by_score": 0.95,
        "auroc_by_error": 0.85,
        "tpr_by_score": {"at_fpr_1": 0.5, "at_fpr_5": 0.6},
        "tpr_by_error": {"at_fpr_1": 0.4, "at_fpr_5": 0.5},
    }
    methods = {
        "model": {"mse": 0.004, "psnr_db": 24.0},
        "identity": {"mse": 0.03, "psnr_db": 15.0},
        "median": {"mse": 0.015, "psnr_db": 18.2, "parameters": {"size": 3}},
    }
    row = {"methods": methods, "best_classical": "median", "ratio_to_best_classical": 0.27}
    thresholds = (0.5, 0.9, 0.95)
    metrics: dict[str, Any] = {
        "clean": {"mse": 0.003, "psnr_db": 26.0, "bce": 0.08, "ssim": 0.95},
        "denoising": {"gaussian_25": methods["model"]},
        "auroc_by_score": {"rotated": 0.95, "mean": 0.95},
        "auroc_by_error": {"rotated": 0.85, "mean": 0.85},
        "false_alarm_rate": {"at_99": 0.009, "at_95": 0.05},
        "dead_code_units": count_dead_units(codes),
        "pca_mse": 0.017,
        "anomalies": {"ten": {"rotated": sets}, "more": {}, "given": {"my <set>": sets}},
        "calibration": {
            "size": calibration_size,
            "curve": [
                {"threshold": at, "promised": 1 - at, "false_alarm_rate": float(np.mean(scores > at))}
                for at in thresholds
            ],
        },
        "denoising_table": {"images": count, "tuning_images": 10, "noises": {"gaussian_25": row}},
        "left_out": {"fashion": "no pictures of clothes were given"},
    }
    if data.test_labels is not None:
        by_class = {
            str(label): float(errors[data.test_labels == label].mean()) for label in np.unique(data.test_labels)
        }
        metrics |= {"mse_by_digit": by_class, "knn_accuracy": 0.98}
    return Evaluated(
        metrics,
        Answers(data.test_images, codes, errors, scores),
        {"rotated": strange, "my <set>": strange},
        {"gaussian_25": NoiseExamples(pictures, 255 - pictures, pictures)},
    )


def decode(codes: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Grey pictures, as bright as the first unit says."""
    grey = np.clip(128 + 40 * codes[:, 0], 0, 255).astype(np.uint8)
    return np.broadcast_to(grey[:, np.newaxis, np.newaxis], (len(codes), 28, 28))


def silence(evaluation: Evaluated) -> Evaluated:
    """The same where no threshold of the calibration curve raised an alarm."""
    calibration = evaluation.metrics["calibration"]
    curve = [point | {"false_alarm_rate": 0.0} for point in calibration["curve"]]
    metrics = evaluation.metrics | {"calibration": calibration | {"curve": curve}}
    return dataclasses.replace(evaluation, metrics=metrics)


@pytest.fixture(scope="module")
def page() -> str:
    """The page of an evaluation that lacks nothing."""
    data = build_data()
    return render_page(VERSION, build_evaluation(data), data, decode)


@pytest.fixture(scope="module")
def bare_page() -> str:
    """The page of one digit without a class, by a version that tells nothing of itself; its code is one dead unit."""
    data = build_data(1, labelled=False)
    evaluation = silence(build_evaluation(data, np.ones((1, 1), np.float32), calibration_size=None))
    return render_page(Version("digits", "4", {}, None), evaluation, data, decode)


@pytest.fixture(scope="module")
def odd_page() -> str:
    """The page of a dead variational model on somebody else's digits, with a card that means harm."""
    recipe = CARD["recipe"] | {
        "summary": "<script>alert(1)</script>",
        "source": '"><img src=x>',
        "network": {"kind": "residual", "variational": True},
    }
    card = CARD | {"recipe": recipe, "command": "a && b < c", "created": "long ago"}
    history = History(*(np.array([0.5]) for _ in range(3)))
    data = dataclasses.replace(build_data(), sha256="1" * 64)
    evaluation = build_evaluation(data, np.ones((40, 20), np.float32))
    return render_page(Version("<b>", "4", card, history), evaluation, data, decode)


def test_page_has_every_section_and_its_contents_lead_there(page: str, bare_page: str, odd_page: str) -> None:
    """Each link leads to a place of the page, and no place has the name of another."""
    for told in (page, bare_page, odd_page):
        outline = _Outline(told)

        assert set(SECTIONS) <= set(outline.ids)
        assert [f"#{section}" for section in SECTIONS] == outline.targets[: len(SECTIONS)]
        assert set() == {target for target in outline.targets if target.removeprefix("#") not in outline.ids}
        assert len(set(outline.ids)) == len(outline.ids)


def test_page_needs_nothing_from_elsewhere(page: str, bare_page: str, odd_page: str) -> None:
    """No script, no host, no file: pictures and styles are inside."""
    for told in (page, bare_page, odd_page):
        outline = _Outline(told)

        assert "http:" not in told
        assert "https:" not in told
        assert {"script", "link", "iframe", "object"}.isdisjoint(outline.tags)
        assert all(source.startswith("data:image/png;base64,") for source in outline.sources)
        assert told.count("url(") == told.count("url(#")
        assert "@import" not in told


def test_every_picture_has_words(page: str, bare_page: str) -> None:
    """Who cannot see a picture or a chart is told what it shows."""
    assert [] == _Outline(page).unnamed_pictures
    assert [] == _Outline(bare_page).unnamed_pictures


def test_charts_follow_the_readers_scheme(page: str) -> None:
    """No chart has a colour of its own but variables of the style sheet, which has two sets of them."""
    charts = "".join(part.partition("</svg>")[0] for part in page.split("<svg")[1:])

    assert "var(--blue)" in charts
    assert "#" not in charts.replace("url(#", "").replace('href="#', "")
    assert "prefers-color-scheme: dark" in page


def test_same_evaluation_gives_the_same_page(page: str) -> None:
    """Two reports can be compared by their bytes: no date of today, no random name is in them."""
    data = build_data()

    assert page == render_page(VERSION, build_evaluation(data), data, decode)


def test_headline_tells_what_decides(page: str) -> None:
    """The figures stand there as people write them, and what the model is."""
    for told in (
        "0.0030",
        "24.0\N{NO-BREAK SPACE}dB",
        "0.950",
        "0.90\N{NO-BREAK SPACE}%",
        "0 of 3",
        "21 November 2026",
        "2 minutes",
    ):
        assert told in page, told
    assert "look here" not in page


def test_what_was_left_out_is_named(page: str) -> None:
    """It stands at the end with its reason."""
    assert "<dt>Clothes</dt><dd>no pictures of clothes were given</dd>" in page


def test_words_of_others_are_escaped(odd_page: str) -> None:
    """A card or the name of a set cannot put anything into the page but text."""
    outline = _Outline(odd_page)

    assert "script" not in outline.tags
    assert "x" not in outline.sources
    for told in ("&lt;script&gt;alert(1)&lt;/script&gt;", "a &amp;&amp; b &lt; c", "my &lt;set&gt;", "<h1>&lt;b&gt;"):
        assert told in odd_page, told


@pytest.mark.parametrize(
    "sentence",
    [
        "so there is no one of each class",
        "The errors of single classes are left out",
        "published without the history of its fit",
        "This version has no model card",
        "whether the model has seen them is not known",
        "How to make the model again is not known",
        "The calibration curve is left out",
        "There is no map of the code: it is one unit wide",
        "along the one unit of the code",
        "Here all 1 are dead",
    ],
)
def test_missing_parts_leave_a_sentence(bare_page: str, sentence: str) -> None:
    """What cannot be shown is said, and nothing else suffers."""
    assert sentence in bare_page


@pytest.mark.parametrize(
    "sentence",
    [
        "the fit was too short for two looks",
        "There is no map of the code: no unit of it moves",
        "Here all 20 are dead: the decoder draws the same picture",
        "<h3>Dead units <em>look here</em></h3>",
        "Digits out of nothing",
        "The model was trained on other data, squares",
        "<dd>long ago</dd>",
    ],
)
def test_odd_models_are_told_as_they_are(odd_page: str, page: str, sentence: str) -> None:
    """What is wrong or foreign is said where it is so, and only there."""
    assert sentence in odd_page
    assert sentence not in page


def test_figures_by_class_need_classes(page: str, bare_page: str) -> None:
    """Without labels nothing is claimed of them."""
    assert "Nearest codes agree" in page
    assert "Nearest codes agree" not in bare_page


def test_version_is_read_with_what_it_has(tmp_path: Path) -> None:
    """Without its two files it still has a name and a number."""
    bare = tmp_path / "digits" / "7"
    bare.mkdir(parents=True)
    assert Version("digits", "7", {}, None) == read_version(bare)

    (bare / "assets.extra").mkdir()
    (bare / "assets.extra" / "model_card.json").write_text('{"name": "forms", "seed": 3}')
    told = {"steps": [1, 2], "losses": [0.5, 0.25], "watched_errors": [0.4, 0.3]}
    (bare / "assets.extra" / "history.json").write_text(json.dumps(told))
    version = read_version(bare)

    assert ("forms", "7", {"name": "forms", "seed": 3}) == (version.name, version.number, version.card)
    assert version.history is not None
    assert told == {name: getattr(version.history, name).tolist() for name in told}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("model_card.json", "{"),
        ("model_card.json", "[]"),
        ("history.json", '{"steps": [1]}'),
        ("history.json", '{"steps": ["one"], "losses": [1], "watched_errors": [1]}'),
        ("history.json", '{"steps": [1, 2], "losses": [1], "watched_errors": [1]}'),
        ("history.json", '{"steps": 1, "losses": 1, "watched_errors": 1}'),
    ],
)
def test_version_that_cannot_be_understood_is_refused(tmp_path: Path, file: str, text: str) -> None:
    """A broken file is named, not taken for a missing one."""
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / file).write_text(text)

    with pytest.raises(EvaluationError, match=file):
        read_version(tmp_path)


def test_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What cannot be written to its end leaves the old file and nothing beside it."""
    path = tmp_path / "report.html"
    replace_file(path, "old")
    with pytest.raises(UnicodeEncodeError):
        replace_file(path, "new" + 100_000 * " " + "\ud800")

    assert "old" == path.read_text()
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.tensorflow
def test_report_of_a_published_version_is_written(
    request: pytest.FixtureRequest, tmp_path: Path, small_digits: DigitData
) -> None:
    """The whole way: a version's folder and an evaluation become one file, drawn with the version's own decoder."""
    pytest.importorskip("tensorflow")
    from training.report import write_report

    save: Callable[[Path], None] = request.getfixturevalue("codec").save
    save(tmp_path / "3")
    data = dataclasses.replace(small_digits, test_images=small_digits.test_images[:40], test_labels=None)
    codes = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    write_report(tmp_path / "report.html", tmp_path / "3", build_evaluation(data, codes), data)
    written = (tmp_path / "report.html").read_text("utf-8")

    assert "version 3: report</title>" in written
    assert written.endswith("</html>\n")
    assert len(written) < 3_000_000
