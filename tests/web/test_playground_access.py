"""The playground for everybody: no serious fault in light, dark and on a phone, and nothing wider than the screen."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FilePayload
from support.playground import visit

from bench.running import RunningService

pytestmark = pytest.mark.tensorflow

PHONE = {"viewport": {"width": 375, "height": 812}, "is_mobile": True, "has_touch": True}


@pytest.mark.parametrize(
    "context",
    [{"color_scheme": "light"}, {"color_scheme": "dark"}, PHONE, {**PHONE, "color_scheme": "dark"}],
    ids=["light", "dark", "phone", "dark phone"],
)
def test_axe_finds_nothing_serious(browser: Browser, service: RunningService, context: dict[str, Any]) -> None:
    """With a table of files and a notice on the page, so that all there is has been looked at."""
    with visit(browser, service.url, **context) as opened:
        names = ["seven", "scribble"]
        shelf = [opened.page.request.get(f"{service.url}/web/samples/{name}.png").body() for name in names]
        files = [build_file(name, picture) for name, picture in zip(names, shelf, strict=True)]
        opened.page.set_input_files("#choose", files)
        opened.page.set_input_files("#choose", build_file("none", b"no picture"))
        opened.page.wait_for_selector("#notice:not([hidden])")
        opened.wait_for("() => document.querySelector('[data-progress]').textContent.startsWith('2 of 2')")
        violations = Axe().run(opened.page).response["violations"]
        width = opened.page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert [] == [each["id"] for each in violations if each["impact"] in {"serious", "critical"}]
    assert 0 >= width


def build_file(name: str, content: bytes) -> FilePayload:
    """A file as a browser chooses it."""
    return {"name": f"{name}.png", "mimeType": "image/png", "buffer": content}


def test_touch_draws(browser: Browser, service: RunningService) -> None:
    """A finger's tap leaves a dot, and the page does not scroll under it."""
    with visit(browser, service.url, **PHONE) as opened:
        opened.page.tap("#clear")
        opened.page.tap("#pad")
        opened.wait_for_answer()

        assert max(opened.read_pixels("seen")) > 200
        assert "none" == opened.page.eval_on_selector("#pad", "pad => getComputedStyle(pad).touchAction")
