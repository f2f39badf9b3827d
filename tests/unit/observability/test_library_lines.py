"""What libraries log comes in the form of our own lines, and not more of it than anybody reads."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from service.observability.logs import configure_logs
from service.settings import ObservabilitySettings


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The logger of all libraries, put back afterwards."""
    logger = logging.getLogger()
    handlers, level, config = logger.handlers[:], logger.level, structlog.get_config()
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)
    structlog.configure(**config)


def test_flood_of_a_library_is_bounded_and_others_are_heard(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stranger can make one log as much as he sends."""
    configure_logs(ObservabilitySettings(log_format="json"))
    for _ in range(1000):
        logging.getLogger("odd.library").error("what a stranger sent")
    logging.getLogger("other").warning("worth a line")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert 10 <= sum(line["logger"] == "odd.library" for line in lines) <= 100
    assert ["worth a line"] == [line["message"] for line in lines if line["logger"] == "other"]
