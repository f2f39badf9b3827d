"""What comes too late, twice or from aside: the playground shows what its visitor did last, and nothing else."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Route
from support.playground import SEVEN, Visit, visit

from bench.running import RunningService

pytestmark = pytest.mark.tensorflow

# As long a way as a file's answer takes to the screen: a request, and a picture to read.
_ROUND = """async () => {
  const answer = await fetch("web/samples/five.png", {cache: "no-store"});
  await createImageBitmap(await answer.blob());
}"""


@pytest.fixture
def page_files(digits: NDArray[np.uint8], tmp_path: Path) -> list[str]:
    """Seven files of other sizes than 28x28."""
    paths = [tmp_path / f"{number}.png" for number in range(7)]
    for path, digit in zip(paths, digits, strict=False):
        Image.fromarray(np.pad(digit, 8)).save(path)
    return [str(path) for path in paths]


@dataclass
class Gate:
    """Requests with files wait here until the test lets them go on; then all pass."""

    visited: Visit
    held: list[Route] = field(default_factory=list)
    asked: int = 0
    is_open: bool = False

    def meet(self, route: Route) -> None:
        """One request comes."""
        self.asked += 1
        if self.is_open:
            route.continue_()
        else:
            self.held.append(route)

    def open(self) -> None:
        """Return once the page has had the answers, and the time to show them."""
        self.is_open = True
        for route in self.held:
            with self.visited.page.expect_response(route.request.url):
                route.continue_()
        self.visited.page.evaluate(_ROUND)
        self.visited.wait_for_answer()


@pytest.fixture
def gate(visited: Visit) -> Gate:
    """Closed."""
    built = Gate(visited)
    visited.page.route("**/reconstruct?include=*", built.meet)
    return built


def test_file_that_is_answered_late_leaves_the_newer_drawing(visited: Visit, gate: Gate, page_files: list[str]) -> None:
    """The answer to what was asked for before is no longer wanted."""
    with visited.page.expect_request("**/reconstruct?include=*"):
        visited.page.set_input_files("#choose", page_files[0])
    visited.draw(SEVEN)
    drawn = visited.read_pixels("seen")
    gate.open()

    assert 1 == gate.asked
    assert drawn == visited.read_pixels("seen")


def test_removed_files_are_not_asked_about(visited: Visit, gate: Gate, page_files: list[str]) -> None:
    """Four were on their way; the others never are."""
    visited.page.set_input_files("#choose", page_files)
    visited.wait_for("() => document.querySelectorAll('tbody tr').length === 7")
    visited.page.evaluate(_ROUND)
    visited.page.click("[data-empty]")
    gate.open()

    assert 4 == gate.asked
    assert visited.page.locator("#files").is_hidden()


def test_second_finger_draws_nothing(visited: Visit) -> None:
    """Neither moves the pen of the first one, nor lifts it."""
    box = visited.page.locator("#pad").bounding_box()
    assert box is not None
    visited.page.click("#clear")
    visited.page.mouse.move(box["x"] + 150, box["y"] + 40)
    visited.page.mouse.down()
    visited.page.mouse.move(box["x"] + 150, box["y"] + 200, steps=5)
    before = visited.read_pixels("seen")
    aside = {"pointerId": 77, "isPrimary": False, "clientX": box["x"] + 20, "clientY": box["y"] + 20}
    for event in ("pointerdown", "pointermove", "pointerup"):
        visited.page.dispatch_event("#pad", event, aside)
    untouched = visited.read_pixels("seen")
    visited.page.mouse.move(box["x"] + 40, box["y"] + 200, steps=5)
    visited.page.mouse.up()
    visited.wait_for_answer()

    assert before == untouched
    assert before != visited.read_pixels("seen")


def test_transparent_parts_are_seen_as_the_service_sees_them(visited: Visit, tmp_path: Path) -> None:
    """Black lies behind them: ink of half the opacity is half as bright."""
    opacity = np.zeros((28, 28), np.uint8)
    opacity[4:24, 12:16] = 128
    Image.merge("LA", (Image.new("L", (28, 28), 255), Image.fromarray(opacity))).save(tmp_path / "half.png")
    before = visited.read_pixels("seen")
    visited.page.set_input_files("#choose", str(tmp_path / "half.png"))
    visited.wait_for_change("seen", before)

    assert opacity.ravel() == pytest.approx(np.array(visited.read_pixels("seen")), abs=1)


def test_proxy_without_a_service_is_waited_for(browser: Browser, service: RunningService) -> None:
    """Its 502 passes: the page goes on by itself."""
    with visit(browser, service.url) as opened:
        opened.page.route("**/reconstruct*", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>"))
        opened.page.click("#clear")
        opened.page.focus("#pad")
        for key in (" ", "ArrowDown", "ArrowDown"):
            opened.page.keyboard.press(key)
        opened.page.wait_for_selector("#notice:not([hidden])")
        told = opened.read("notice")
        opened.page.unroute_all()
        opened.page.wait_for_selector("#notice", state="hidden")
        opened.wait_for_answer()

    assert "The service says: status 502. Trying again until it answers." == told
