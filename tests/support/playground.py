"""A visit to the playground with a real browser: what was drawn, what the page says, what the browser complained of."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

Stroke = Sequence[tuple[float, float]]

# Pen strokes on the pad as on a grid of 28x28, (column, row).
SEVEN: list[Stroke] = [[(7, 6), (13, 5.5), (20, 5), (17, 11), (14, 17), (12.5, 24)]]
SCRIBBLE: list[Stroke] = [[(3, 5), (24, 9), (4, 14), (23, 18), (5, 24), (20, 3), (9, 25), (25, 25)]]

_WAIT_MS = 30_000.0
_STEPS = 6


@dataclass
class Visit:
    """One page, opened and watched.

    Attributes:
        page: The page, its first sample answered.
        complaints: What the browser wrote to its console as an error, and exceptions.
        hosts: Every host that was asked for something.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def watch(self) -> None:
        """Note everything from now on."""
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note_message)
        self.page.on("request", self._note_host)

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _note_host(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in {"data", "blob"}:
            self.hosts.add(url.netloc)

    def read(self, name: str) -> str:
        """The text of an element, by its id."""
        return self.page.inner_text(f"#{name}")

    def read_score(self) -> float:
        """The anomaly score on the screen."""
        return float(self.read("score"))

    def read_pixels(self, canvas: str) -> list[int]:
        """The reds of a canvas, by its id: for grey pictures the pixels."""
        script = (
            "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
            ".filter((_, place) => place % 4 === 0)"
        )
        pixels: list[int] = self.page.eval_on_selector(f"#{canvas}", script)
        return pixels

    def wait_for(self, condition: str, argument: Any = None) -> None:
        """Return once a JavaScript function of one argument is true."""
        self.page.wait_for_function(condition, arg=argument, timeout=_WAIT_MS)

    def wait_for_text(self, name: str, part: str) -> None:
        """Return once the element with this id has the part in its text."""
        self.wait_for("([id, part]) => document.getElementById(id).textContent.includes(part)", [name, part])

    def draw(self, strokes: Sequence[Stroke]) -> None:
        """Draw on the emptied pad with the mouse, and wait for the answer to the last stroke."""
        self.page.click("#clear")
        box = self.page.locator("#pad").bounding_box()
        assert box is not None
        scale = box["width"] / 28
        for stroke in strokes:
            for number, (x, y) in enumerate(stroke):
                self.page.mouse.move(box["x"] + x * scale, box["y"] + y * scale, steps=_STEPS if number else 1)
                if number == 0:
                    self.page.mouse.down()
            self.page.mouse.up()
        self.wait_for_answer()

    def wait_for_answer(self) -> None:
        """Return once the page shows what the service says of what the model sees, and of the code."""
        self.wait_for("() => !document.querySelector('[aria-busy=true]')")
        self.wait_for("() => document.getElementById('sentence').dataset.verdict !== ''")

    def wait_for_change(self, canvas: str, before: list[int]) -> None:
        """Return once a canvas shows something else, and the service has answered."""
        self.wait_for(
            "([id, before]) => { const canvas = document.getElementById(id);"
            " const all = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;"
            " return before.some((red, place) => red !== all[4 * place]); }",
            [canvas, before],
        )
        self.wait_for_answer()

    def slide(self, selector: str, value: float) -> None:
        """Move a slider as a hand does, at once."""
        script = "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }"
        self.page.eval_on_selector(selector, script, value)


@contextmanager
def visit(browser: Browser, url: str, **context: Any) -> Iterator[Visit]:
    """Open the playground, and wait until it has examined its first sample and loaded its map."""
    with browser.new_context(**context) as opened:
        found = Visit(opened.new_page())
        found.watch()
        found.page.goto(f"{url}/")
        found.wait_for_text("map-told", "test digits")
        found.wait_for_answer()
        yield found
