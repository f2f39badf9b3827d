"""The playground in a real browser, over a running service: what a visitor does, and what the page then shows."""

import csv
import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser
from support.playground import SCRIBBLE, SEVEN, Visit, visit

from bench.running import RunningService

pytestmark = pytest.mark.tensorflow

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def crops(digits: NDArray[np.uint8], tmp_path: Path) -> list[str]:
    """Twenty files: digits as they are, and others enlarged, dark on light, one of them no digit at all."""
    paths = []
    for number, digit in enumerate(digits[:19]):
        picture = Image.fromarray(digit)
        if number % 2:
            paper = Image.fromarray(255 - np.pad(digit, 8))
            picture = paper.resize((176, 176), Image.Resampling.BICUBIC)
        paths.append(tmp_path / f"digit-{number:02}.png")
        picture.save(paths[-1])
    noise = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    paths.append(tmp_path / "noise.png")
    Image.fromarray(noise).save(paths[-1])
    return [str(path) for path in paths]


def test_seven_is_clean_and_a_scribble_is_not(visited: Visit) -> None:
    """Both are drawn with the mouse; the model draws the seven much as it sees it."""
    visited.draw(SEVEN)
    seven, sentence = visited.read_score(), visited.read("sentence")
    seen, drawn = (np.array(visited.read_pixels(name)) for name in ("seen", "drawn"))
    visited.draw(SCRIBBLE)

    assert seven < 0.9
    assert visited.read_score() > 0.99
    assert re.fullmatch(r"Looks like a clean digit: more usual than \d+ % of normal ones\.", sentence)
    assert visited.read("sentence").startswith("Does not look like a clean digit: stranger than 99.")
    assert np.square((seen - drawn) / 255).mean() < 0.01 < np.square(seen / 255).mean()


def test_drawing_ends_where_a_digit_of_mnist_would(visited: Visit) -> None:
    """Whatever its place on the pad, ink is fitted in 20x20 and lies with its centre of mass in the middle."""
    visited.draw([[(2, 2), (5, 2), (8, 2), (6, 8), (5, 12)]])
    seen = np.array(visited.read_pixels("seen")).reshape(28, 28)
    rows, columns = (np.flatnonzero(seen.max(axis=axis) > 25) for axis in (1, 0))
    centre = [float(seen.sum(axis=axis) @ np.arange(0.5, 28) / seen.sum()) for axis in (1, 0)]

    assert 20 == pytest.approx(max(np.ptp(rows), np.ptp(columns)) + 1, abs=1)
    assert [14.5, 14.5] == pytest.approx(centre, abs=0.3)


def test_code_slider_redraws_the_digit(visited: Visit) -> None:
    """Arrow keys move it too; undoing brings the code of the image back."""
    before = visited.read_pixels("decoded")
    visited.page.locator("#code input").nth(5).focus()
    for _ in range(3):
        visited.page.keyboard.press("PageUp")
    visited.wait_for_text("times", "decode")
    visited.wait_for_answer()
    moved = visited.read_pixels("decoded")
    visited.page.click("#reset")
    visited.wait_for_answer()

    assert 32 == visited.page.locator("#code input").count()
    assert before != moved
    assert before == visited.read_pixels("decoded")


def test_map_is_dragged_across(visited: Visit) -> None:
    """The decoder draws what lies between; the drawn digit can be examined as an image."""
    before = visited.read_pixels("decoded")
    visited.page.locator("#map").scroll_into_view_if_needed()
    box = visited.page.locator("#map").bounding_box()
    assert box is not None
    visited.page.mouse.move(box["x"] + 0.35 * box["width"], box["y"] + 0.35 * box["height"])
    visited.page.mouse.down()
    visited.page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"], steps=8)
    visited.page.mouse.up()
    visited.wait_for_text("times", "decode")
    visited.wait_for_answer()
    drawn = visited.read_pixels("decoded")
    visited.page.click("#use")
    visited.wait_for_answer()

    assert visited.read("map-told") != ""
    assert before != drawn
    assert drawn == visited.read_pixels("seen")


@pytest.mark.parametrize("kind", ["gaussian", "salt", "cells", "blur"])
def test_noise_is_put_on_and_cleaned_off(visited: Visit, kind: str) -> None:
    """What the model sees changes more than what it draws of it."""
    clean = [np.array(visited.read_pixels(name)) / 255 for name in ("seen", "drawn")]
    visited.page.select_option("#noise-kind", kind)
    visited.slide("#noise", 0.4)
    visited.wait_for_answer()
    noisy = [np.array(visited.read_pixels(name)) / 255 for name in ("seen", "drawn")]
    seen, drawn = (float(np.square(one - other).mean()) for one, other in zip(clean, noisy, strict=True))

    assert 0 < drawn < seen


def test_threshold_decides_the_verdict(visited: Visit) -> None:
    """Below the score of the digit on the screen it becomes an anomaly; the command then names the threshold."""
    visited.slide("#threshold", 0.12)
    visited.wait_for_text("sentence", "Does not look like")

    assert "the threshold is 27 %" in visited.read("sentence")
    assert "?threshold=0.27" in visited.read("curl")


def test_twenty_files_become_a_table_a_csv_and_an_archive(visited: Visit, crops: list[str], http: httpx.Client) -> None:
    """Strangest first; rows hold what the service says, and pictures of any size are made fit for the model."""
    visited.page.set_input_files("#choose", crops)
    visited.wait_for("() => document.querySelector('[data-progress]').textContent.startsWith('20 of 20 done')")
    rows = list(csv.DictReader(io.StringIO(save(visited, "[data-csv]").decode())))
    archive = zipfile.ZipFile(io.BytesIO(save(visited, "[data-zip]")))
    cleaned = [np.asarray(Image.open(archive.open(name))) for name in archive.namelist()]
    scores = [float(row["anomaly_score"]) for row in rows]

    assert sorted(Path(path).name for path in crops) == sorted(row["file"] for row in rows)
    assert sorted(scores, reverse=True) == scores
    assert ("true", "") == next((row["anomaly"], row["problem"]) for row in rows if row["file"] == "noise.png")
    assert {Path(path).name: ask(http, path) for path in crops} == pytest.approx(
        {row["file"]: float(row["anomaly_score"]) for row in rows}, abs=1e-6
    )
    assert [(28, 28)] * 20 == [picture.shape for picture in cleaned]
    assert sorted(row["file"] for row in rows) == sorted(archive.namelist())
    assert archive.testzip() is None


def test_table_is_sorted_by_its_buttons(visited: Visit, crops: list[str]) -> None:
    """By name, then by name the other way; screen readers are told."""
    visited.page.set_input_files("#choose", crops[:3])
    visited.wait_for("() => document.querySelector('[data-progress]').textContent.startsWith('3 of 3 done')")
    orders = []
    for _ in range(2):
        visited.page.click("[data-sort=file]")
        head = visited.page.locator("th", has=visited.page.locator("[data-sort=file]"))
        orders.append((head.get_attribute("aria-sort"), visited.page.locator("td.name").all_inner_texts()))
    names = [Path(path).name for path in crops[:3]]

    assert [("ascending", names), ("descending", names[::-1])] == orders


def test_picture_that_may_hold_no_digit_is_remarked_on(visited: Visit, tmp_path: Path) -> None:
    """The service's note is a sentence below the pad; the next image takes it away."""
    blots = np.full((120, 120), 255, np.uint8)
    blots[20:100, 25:45] = blots[20:100, 75:95] = 0
    Image.fromarray(blots).save(tmp_path / "blots.png")
    visited.page.set_input_files("#choose", str(tmp_path / "blots.png"))
    visited.wait_for_text("note", "blots.png: ")
    note = visited.read("note")
    visited.draw(SEVEN)

    assert "blots.png: several parts of similar size, where a digit has one." == note
    assert "" == visited.read("note")


def test_picture_of_any_size_is_made_fit(visited: Visit, crops: list[str]) -> None:
    """One file is shown above; the page shows what the model saw of it."""
    before = visited.read_pixels("seen")
    visited.page.set_input_files("#choose", crops[1])
    visited.wait_for_change("seen", before)
    seen = np.array(visited.read_pixels("seen")).reshape(28, 28)

    assert 0 == seen[0].max()
    assert seen.max() > 200


@pytest.mark.parametrize("event", ["new DragEvent('drop', {dataTransfer", "new ClipboardEvent('paste', {clipboardData"])
def test_dropped_or_pasted_file_is_examined(visited: Visit, event: str) -> None:
    """Anywhere on the page."""
    before = visited.read_pixels("seen")
    script = """async url => {
      const blob = await (await fetch(url)).blob();
      const data = new DataTransfer();
      data.items.add(new File([blob], "five.png", {type: "image/png"}));
      document.body.dispatchEvent(EVENT: data, bubbles: true, cancelable: true}));
    }""".replace("EVENT", event)
    visited.page.evaluate(script, "web/samples/five.png")
    visited.wait_for_change("seen", before)

    assert visited.read_score() < 0.9


def test_snippets_do_what_the_screen_shows(visited: Visit) -> None:
    """The command and the program are run as they stand, in a shell and a Python of their own."""
    visited.draw(SEVEN)
    visited.page.locator("#code input").nth(2).focus()
    visited.page.keyboard.press("ArrowUp")
    visited.wait_for_text("curl", "decode")
    visited.wait_for_text("python", "decode")
    score = visited.read_score()
    by_curl = run(["bash", "-c", visited.read("curl").replace("-o decoded.png", "-o /dev/null")])
    by_python = run([sys.executable, "-c", visited.read("python")])

    assert score == pytest.approx(float(find('"anomaly_scores":\\[([^]]+)', by_curl)), abs=2e-4)
    assert score == pytest.approx(float(find("\\[(\\S+)\\] \\[False\\]", by_python)), abs=2e-4)
    assert '"codes":[[' in by_curl


def test_keyboard_alone_draws(visited: Visit) -> None:
    """Space puts the pen down, arrows move it, Delete clears."""
    visited.page.focus("#pad")
    visited.page.keyboard.press("Delete")
    empty = (visited.read("sentence"), max(visited.read_pixels("seen")))
    for key in [*["ArrowUp"] * 6, " ", *["ArrowDown"] * 12, " "]:
        visited.page.keyboard.press(key)
    visited.wait_for_answer()

    assert ("Draw a digit, or take one of the samples.", 0) == empty
    assert visited.read_score() < 0.99


def test_theme_is_switched_and_kept(visited: Visit) -> None:
    """From the system's to light to dark; the next visit has it still."""
    shades = []
    for _ in range(2):
        visited.page.click("#theme")
        shades.append(visited.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    visited.page.reload()
    visited.wait_for_text("map-told", "test digits")

    assert ["rgb(245, 246, 248)", "rgb(15, 19, 25)"] == shades
    assert "Theme: dark" == visited.read("theme")


def test_map_of_another_model_is_not_shown(browser: Browser, service: RunningService) -> None:
    """The witness's code is another one: the page says so and how to make a map."""
    with visit(browser, service.url) as opened:
        shipped = opened.page.evaluate("async () => (await fetch('web/code_map.json')).json()")
        shipped["witness"]["code"][0] += 1
        script = """map => {
          const data = new DataTransfer();
          data.items.add(new File([JSON.stringify(map)], "code_map.json"));
          document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
        }"""
        opened.page.evaluate(script, shipped)
        opened.wait_for_text("map-told", "of another model")

    assert [] == opened.complaints


def test_gateway_before_a_model_server_has_it_too(browser: Browser, thin_service: RunningService) -> None:
    """The same page with the same map, which it finds to be of the model that answers there."""
    with visit(browser, thin_service.url) as opened:
        opened.draw(SEVEN)

        assert opened.read_score() < 0.9
        assert [] == opened.complaints


def test_page_works_below_a_prefix(browser: Browser, service: RunningService) -> None:
    """As behind a proxy that takes the prefix away: the page names its files and the routes relatively."""
    with browser.new_page() as page:
        page.route(
            f"{service.url}/shop/**",
            lambda route: route.fulfill(response=route.fetch(url=route.request.url.replace("/shop/", "/", 1))),
        )
        page.goto(f"{service.url}/shop/")
        page.wait_for_function("() => document.getElementById('map-told').textContent.includes('test digits')")
        page.wait_for_function("() => document.getElementById('sentence').dataset.verdict === 'clean'")
        curl = page.inner_text("#curl")

    assert f"{service.url}/shop/reconstruct" in curl


def test_refusal_is_a_sentence(browser: Browser, service: RunningService) -> None:
    """The service's own words stand on the page, with the id under which its log has the request."""
    with visit(browser, service.url) as opened:
        opened.page.set_input_files("#choose", str(REPOSITORY / "README.md"))
        opened.page.wait_for_selector("#notice:not([hidden])")

        assert re.fullmatch(r"The service says: .+ \(request \S+\)\.", opened.read("notice"))


def ask(http: httpx.Client, path: str) -> float:
    """The anomaly score of a file, by a request of our own."""
    with Image.open(path) as picture:
        query = {"preprocess": "strict" if picture.size == (28, 28) else "mnist"}
    answer = http.post("/score", params=query, files={"file": Path(path).read_bytes()}).json()
    return float(answer["anomaly_scores"][0])


def save(visited: Visit, button: str) -> bytes:
    """What a button lets the browser keep."""
    with visited.page.expect_download() as download:
        visited.page.click(button)
    return Path(download.value.path()).read_bytes()


def run(command: list[str]) -> str:
    """What a command prints."""
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True).stdout


def find(pattern: str, text: str) -> str:
    """The first group of a pattern that must be there."""
    found = re.search(pattern, text)
    assert found, text
    return found[1]
