"""Log lines: events with fields, one line each, on standard output."""

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import orjson
import structlog

from service.observability.sampling import Sampler
from service.settings import ObservabilitySettings

_LIBRARY_LINES_PER_S = 10

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
"""How loud a line is, by the name of its level."""


def configure_logs(settings: ObservabilitySettings) -> None:
    """Set the format and the least severity, for our own events and for the libraries'."""
    level = LEVELS[settings.log_level]
    as_json = settings.log_format == "json"
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _render_json if as_json else _render_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Output())),
        cache_logger_on_first_use=True,
    )
    # Libraries log rarely, and only what went wrong is worth a line.
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[_Forwarder()], force=True)


class _Output:
    """Standard output that may break: a full disk or a reader that is gone must not end the service."""

    def write(self, text: str) -> None:
        """Write if that is possible; there is nowhere to tell if it is not."""
        with suppress(OSError, ValueError):
            sys.stdout.write(text)

    def flush(self) -> None:
        """Hand to the system what was written, if that is possible."""
        with suppress(OSError, ValueError):
            sys.stdout.flush()


class _Forwarder(logging.Handler):
    """Gives the records of libraries the form of our own lines, and bounds them: strangers can provoke some."""

    def __init__(self) -> None:
        super().__init__()
        self._sampler: Sampler[str] = Sampler(_LIBRARY_LINES_PER_S)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as one event; of one that cannot be written standard error is told, as `logging` has it."""
        left_out = self._sampler.admit(record.name)
        if left_out is None:
            return
        try:
            self._write(record, {"left_out": left_out} if left_out else {})
        except Exception:  # noqa: BLE001 - a library's message may fail in any way when it is put together
            self.handleError(record)

    def _write(self, record: logging.LogRecord, fields: dict[str, int]) -> None:
        # Our levels are the tens; libraries may use others.
        level = min(record.levelno // 10 * 10, logging.CRITICAL)
        message, log = record.getMessage(), structlog.get_logger()
        log.log(level, "library", logger=record.name, message=message, exc_info=record.exc_info, **fields)


def _render_json(_logger: object, _method: str, event: structlog.typing.EventDict) -> str:
    return orjson.dumps(event, default=str).decode()


def _render_line(_logger: object, _method: str, event: structlog.typing.EventDict) -> str:
    head = f"{event.pop('timestamp')} {event.pop('level'):7} {event.pop('event')}"
    exception = event.pop("exception", None)
    fields = "".join(f" {name}={value}" for name, value in event.items() if value is not None)
    return f"{head}{fields}\n{exception}" if exception else f"{head}{fields}"
