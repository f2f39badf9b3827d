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


@pytest.mark.parametrize(("level", "name"), [(30, "warning"), (35, "warning"), (49, "error"), (70, "critical")])
def test_levels_between_ours_are_the_next_softer_one(
    root: logging.Logger, capsys: pytest.CaptureFixture[str], level: int, name: str
) -> None:
    """A library may have levels of its own, and is heard all the same."""
    configure_logs(ObservabilitySettings(log_format="json"))
    logging.getLogger("of.its.own").log(level, "worth a line")
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert (name, "worth a line") == (line["level"], line["message"])


def test_record_that_cannot_be_written_harms_nobody(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """A library that logs with the wrong arguments goes on; standard error tells where it did."""
    configure_logs(ObservabilitySettings(log_format="json"))
    logging.getLogger("odd.library").error("%d of %s", "one", "two")
    logging.getLogger("odd.library").error("worth a line")
    said = capsys.readouterr()

    assert ["worth a line"] == [json.loads(line)["message"] for line in said.out.splitlines()]
    assert "--- Logging error ---" in said.err
