"""A real browser for the tests of the playground."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright
from support.playground import Visit, visit

from bench.running import RunningService

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine; its own sandbox needs rights that containers do not give."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=["--no-sandbox"]) as opened,
    ):
        yield opened


@pytest.fixture
def visited(browser: Browser, service: RunningService) -> Iterator[Visit]:
    """The playground of the running service; in the end there was no complaint, and no other host was asked."""
    with visit(browser, service.url) as opened:
        yield opened

        assert [] == opened.complaints
        assert {service.url.removeprefix("http://")} == opened.hosts
