"""The playground while its service stops and comes back, and before a service that wants a key."""

import re
import socket
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from support.playground import SEVEN, visit

from bench.running import running_service

pytestmark = pytest.mark.tensorflow

# What a browser writes for a question that nobody answers, or that a service answers which is not ready.
_EXPECTED = re.compile(r"ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|status of 503")

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = str(REPOSITORY / "models")
SAMPLES = REPOSITORY / "service" / "web" / "samples"


def test_stopped_service_is_told_and_waited_for(browser: Browser) -> None:
    """A sentence while it is away; files that come meanwhile are examined once it is back, without a click."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = {"DIGITCODEC_MODEL__ROOT": MODELS, "DIGITCODEC_HTTP__PORT": str(port)}
    with running_service(settings) as running, visit(browser, running.url) as opened:
        running.process.terminate()
        running.process.wait(60)
        opened.page.wait_for_selector("#notice:not([hidden])")
        away = (opened.read("notice"), opened.read("state"))
        samples = [str(SAMPLES / f"{name}.png") for name in ("two", "scribble")]
        opened.page.set_input_files("#choose", samples)
        with running_service(settings):
            opened.page.wait_for_selector("#notice", state="hidden", timeout=60_000)
            opened.wait_for("() => document.querySelector('[data-progress]').textContent.startsWith('2 of 2 done, 1 ')")
            opened.draw(SEVEN)
            score, state = opened.read_score(), opened.read("state")

    assert ("The service does not answer. Trying again until it does.", "away") == away
    assert score < 0.9
    assert state.startswith("model digits 1")
    assert [] == [each for each in opened.complaints if not _EXPECTED.search(each)]


def test_key_is_asked_for_and_used(browser: Browser, tmp_path: Path) -> None:
    """The page is open to all; it says what is missing, sends the key that it is given, and shows it to nobody."""
    keys = tmp_path / "keys.toml"
    keys.write_text(f'[keys.visitor]\nsha256 = ["{sha256(b"open-sesame").hexdigest()}"]\n')
    settings = {"DIGITCODEC_MODEL__ROOT": MODELS, "DIGITCODEC_ACCESS__KEYS_FILE": str(keys)}
    with running_service(settings) as running, browser.new_page() as page:
        page.goto(running.url)
        page.wait_for_function("() => document.getElementById('notice').textContent.includes('wants a key')")
        page.click("summary")
        page.fill("#key", "open-sesame")
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.getElementById('sentence').dataset.verdict === 'clean'")
        page.wait_for_function("() => document.getElementById('curl').textContent.includes('X-API-Key')")
        shown = page.inner_text("body")

    assert "X-API-Key: $DIGITCODEC_KEY" in shown
    assert "open-sesame" not in shown
