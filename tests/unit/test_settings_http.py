"""Settings of the HTTP door: which origins and times are taken."""

import pytest
from pydantic import ValidationError

from service.settings import HttpSettings


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://lab.example",
        "http://lab.example",
        "http://localhost:3000",
        "https://[::1]:8443",
        "http://10.0.0.1",
    ],
)
def test_what_browsers_send_is_an_origin(origin: str) -> None:
    """Letter by letter, as it is compared."""
    assert (origin,) == HttpSettings(cors_origins=(origin,)).cors_origins


@pytest.mark.parametrize(
    "text",
    [
        "lab.example",
        "https://",
        "https://lab.example/",
        "https://Lab.example",
        "https://user@lab.example",
        "https://lab.example:443",
        "http://lab.example:80",
        "https://lab.example:",
        "https://lab.example:x",
        "https://lab.example?",
        "ftp://lab.example",
        "null",
    ],
)
def test_what_no_browser_sends_is_refused(text: str) -> None:
    """It would let nobody in, and the operator would look for the reason elsewhere."""
    with pytest.raises(ValidationError):
        HttpSettings(cors_origins=(text,))


@pytest.mark.parametrize("name", ["header_timeout_s", "write_timeout_s"])
def test_times_that_nobody_can_keep_are_refused(name: str) -> None:
    """Connections are looked at eight times as often."""
    assert 0.05 == getattr(HttpSettings.model_validate({name: 0.05}), name)
    with pytest.raises(ValidationError):
        HttpSettings.model_validate({name: 0.04})
