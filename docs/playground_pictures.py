"""Takes the pictures of the playground with a real Chromium: `python -m docs.playground_pictures` writes them.

It needs Playwright, which `make setup` installs, and a `chromium` on the path.
"""

import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from bench.running import running_service
from docs.playground_samples import smooth

FOLDER = Path(__file__).with_name("images")

# A two as on a grid of 28x28, in one stroke.
_TWO = ((7, 9), (10, 5), (16, 4), (19, 8), (16.5, 14), (11, 19), (7, 23), (9, 23.5), (14, 22.5), (21, 23))


def take_pictures(page: Page, url: str) -> None:
    """The first screen in light and dark, after a digit was drawn."""
    for scheme, name in (("light", "desktop"), ("dark", "dark")):
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        page.goto(f"{url}/", wait_until="networkidle")
        _draw(page)
        path = FOLDER / f"playground-{name}.png"
        page.screenshot(path=path)
        Image.open(path).convert("RGB").save(path, optimize=True)


def _draw(page: Page) -> None:
    box = page.locator("#pad").bounding_box()
    if box is None:
        raise RuntimeError("the page shows no pad")
    page.click("#clear")
    places = [(box["x"] + x * box["width"] / 28, box["y"] + y * box["width"] / 28) for x, y in smooth(_TWO)]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()
    page.mouse.move(0, 0)
    page.wait_for_selector("#result[aria-busy=false]")


if __name__ == "__main__":
    with running_service() as service, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        take_pictures(chromium.new_page(viewport={"width": 1280, "height": 1240}), service.url)
        chromium.close()
