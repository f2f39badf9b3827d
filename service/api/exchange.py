"""One request and its answer as log and metrics see them: the request id and the canonical line."""

import itertools
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from service.access import Key
from service.api.callers import name_caller
from service.domain import Origin
from service.errors import BackendContractError, BackendError, DeadlineExceededError, DigitCodecError, NotReadyError
from service.observability.access_log import AccessLog
from service.observability.requests import Outcome, RequestMetrics
from service.observability.traces import RequestSpan

_ACCEPTED_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}").fullmatch

# A W3C traceparent of version 00; another version may mean something else and is not passed on. Ids of zeros are none.
_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}").fullmatch

_ABANDONED_REASON = "client_disconnected"
# A caller's own mistakes are no news; these are for the operator to see.
_OURS = frozenset(
    kind.reason for kind in (DigitCodecError, NotReadyError, DeadlineExceededError, BackendError, BackendContractError)
)

Status = int | str


@dataclass(frozen=True, slots=True)
class Door:
    """What the log calls a door, and how its protocol says two things that every door may have to say.

    Attributes:
        name: Its name in log and metrics.
        cut_off: The status of a request that the stopping service cut off before its answer.
        abandoned: The status of a request whose caller left.
    """

    name: str
    cut_off: Status = 503
    abandoned: Status = 499  # no status of RFC 9110; proxies use the number for this case


def grpc_door(name: str) -> Door:
    """A door that speaks gRPC."""
    return Door(name, cut_off="UNAVAILABLE", abandoned="CANCELLED")


def build_id_source() -> Callable[[], bytes]:
    """Make a source of request ids, unique among processes and in the order of their making.

    A random prefix and a counter cost a tenth of a random number for each request.
    """
    prefix = os.urandom(8).hex().encode()
    counter = itertools.count(1)
    return lambda: b"%s-%x" % (prefix, next(counter))


def find_origin(headers: Mapping[bytes, bytes], address: str, make_id: Callable[[], bytes]) -> Origin:
    """Where a request came from.

    Args:
        headers: Its headers or metadata, by name in lower case. A request id that is no plain short word is replaced by
            a new one; a traceparent that is none is dropped.
        address: Of the caller, without a port: a caller's connections are one; see `name_caller`.
        make_id: Makes a new id.
    """
    request_id = headers.get(b"x-request-id")
    accepted = request_id if request_id is not None and _ACCEPTED_ID(request_id) else make_id()
    return Origin(accepted.decode("ascii"), _find_traceparent(headers.get(b"traceparent")), name_caller(address))


def _find_traceparent(sent: bytes | None) -> str | None:
    """The caller's traceparent if it is one (W3C Trace Context, 3.2), else None."""
    return sent.decode("ascii") if sent is not None and _TRACEPARENT(sent) else None


class Exchange:
    """What the canonical line of one request says; filled in while the request goes its way, and written at its end.

    Attributes:
        origin: The id in the answer, the error and the log, and the trace that the request belongs to.
        door: Where it came in.
        operation: The name of the operation or page.
        status: As the protocol has it: an HTTP status, or the name of a gRPC status.
        reason: The reason of the error table, `client_disconnected`, or None for a good answer.
        rows: Images or codes in the request, once known.
        version: The model version that answered, once known.
        key: The name of the caller's key, where there are keys.
        failure: The exception whose traceback belongs into the log.
    """

    __slots__ = (
        "_log",
        "_metrics",
        "_span",
        "_started_s",
        "door",
        "failure",
        "key",
        "operation",
        "origin",
        "reason",
        "rows",
        "status",
        "version",
    )

    def __init__(self, door: Door, operation: str, origin: Origin, log: AccessLog, metrics: RequestMetrics) -> None:
        """Begin; whoever does must `write` in the end.

        Args:
            door: Where the request came in.
            operation: What it asks for, as far as that is known; from a table, never from the request itself.
            origin: Its id and trace.
            log: Takes the line.
            metrics: Are told of begin and end.
        """
        self._started_s = time.perf_counter()
        self._log = log
        self._metrics = metrics
        metrics.begin()
        self._span: RequestSpan | None = None
        self.door = door
        self.operation = operation
        self.origin = origin
        self.status = door.cut_off
        self.reason: str | None = NotReadyError.reason
        self.rows: int | None = None
        self.version: int | None = None
        self.key: str | None = None
        self.failure: BaseException | None = None

    @property
    def request_id(self) -> bytes:
        """The request id as it goes into a header."""
        return self.origin.request_id.encode("ascii")

    def identify(self, key: Key) -> None:
        """Note whose key opened the door; the request then takes of that caller's share, whatever address it has."""
        self.key = key.name
        self.origin = replace(self.origin, caller=key.name)

    def trace(self, span: RequestSpan) -> None:
        """Record the request under this span too; what it causes is below it."""
        self._span = span
        self.origin = replace(self.origin, traceparent=span.traceparent)

    def note_failure(self, error: Exception) -> None:
        """Keep an exception for the log: a model's or our own is for the operator, a caller's mistake needs none."""
        if isinstance(error, BackendError) or not isinstance(error, DigitCodecError):
            self.failure = error

    def finish(self, status: Status, reason: str | None = None) -> None:
        """Note what was answered."""
        self.status = status
        self.reason = reason

    def abandon(self) -> None:
        """Note that the caller left, so that nobody is to be answered."""
        self.finish(self.door.abandoned, _ABANDONED_REASON)

    def write(self, *, quiet: bool = False) -> None:
        """Count the request, end its span, and write its line: failures of ours louder, good answers to probes softer.

        A probe that was answered well leaves no span.
        """
        seconds = time.perf_counter() - self._started_s
        self._count(seconds)
        if quiet and self.reason is None:
            self._log.write("debug", self._build_fields(seconds))
            return
        if self._span is not None:
            self._span.end(self._build_fields(seconds), is_failure=self.reason in _OURS)
        level = self._find_level()
        if (left_out := self._log.admit(level, self.reason)) is not None:
            fields = self._build_fields(seconds)
            self._log.write(level, {**fields, "left_out": left_out} if left_out else fields, self.failure)

    def _find_level(self) -> str:
        if self.failure is not None:
            return "error"
        return "warning" if self.reason in _OURS else "info"

    def _count(self, seconds: float) -> None:
        rows = (self.rows or 0) if self.reason is None else 0
        outcome = Outcome(seconds, self.origin.timings.decode_s, rows)
        self._metrics.end(self.door.name, self.operation, self.status, self.reason, outcome)
        if self.key is not None:
            self._metrics.note_key(self.key, rows)

    def _build_fields(self, seconds: float) -> dict[str, Any]:
        timings = self.origin.timings
        return {
            "request_id": self.origin.request_id,
            "door": self.door.name,
            "operation": self.operation,
            "status": self.status,
            "reason": self.reason,
            "rows": self.rows,
            "ms": _to_ms(seconds),
            "decode_ms": _to_ms(timings.decode_s),
            "queue_ms": _to_ms(timings.queue_s),
            "backend_ms": _to_ms(timings.backend_s),
            "version": self.version,
            "key": self.key,
        }


def _to_ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 3)
