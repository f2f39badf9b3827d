"""One request and its answer as the log sees them: the request id and the canonical line."""

import itertools
import os
import re
import time
from collections.abc import Callable
from typing import Any

from starlette.types import Scope

from service.errors import NotReadyError

Log = Any  # a structlog logger: its bound methods are made at run time

_ACCEPTED_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}").fullmatch

# What the log says of a request whose caller left; proxies use the number for the same case.
_ABANDONED_STATUS = 499
_ABANDONED_REASON = "client_disconnected"
# What the log says of a request that the stopping server cut off before its answer.
_CUT_OFF_STATUS = 503
_CUT_OFF_REASON = NotReadyError.reason


def build_id_source() -> Callable[[], bytes]:
    """Make a source of request ids, unique among processes and in the order of their making.

    A random prefix and a counter cost a tenth of a random number for each request.
    """
    prefix = os.urandom(8).hex().encode()
    counter = itertools.count(1)
    return lambda: b"%s-%x" % (prefix, next(counter))


def find_request_id(sent: bytes | None, make_id: Callable[[], bytes]) -> bytes:
    """The caller's own X-Request-ID if it is a plain short word, else a new one."""
    return sent if sent is not None and _ACCEPTED_ID(sent) else make_id()


class Exchange:
    """What the canonical line of one request says; filled in while the request goes its way.

    Attributes:
        request_id: The id in the answer, the problem document and the log.
        operation: The name of the operation or page.
        status: The HTTP status; 503 as long as nothing was answered, 499 if the caller left.
        reason: The reason of the error table, `client_disconnected`, or None for a good answer.
        rows: Images or codes in the request, once known.
        version: The model version that answered, once known.
        failure: The exception whose traceback belongs into the log.
    """

    __slots__ = ("_started_s", "failure", "operation", "reason", "request_id", "rows", "status", "version")

    def __init__(self, operation: str, request_id: bytes) -> None:
        self._started_s = time.perf_counter()
        self.operation = operation
        self.request_id = request_id
        self.status = _CUT_OFF_STATUS
        self.reason: str | None = _CUT_OFF_REASON
        self.rows: int | None = None
        self.version: int | None = None
        self.failure: BaseException | None = None

    def finish(self, status: int, reason: str | None = None) -> None:
        """Note what was answered."""
        self.status = status
        self.reason = reason

    def abandon(self) -> None:
        """Note that the caller left, so that nobody is to be answered."""
        self.finish(_ABANDONED_STATUS, _ABANDONED_REASON)

    def write(self, log: Log, *, quiet: bool = False) -> None:
        """Write the canonical line: failures of ours louder, good answers to probes softer."""
        if self.failure is not None:
            log.error("request", **self._fields(), exc_info=self.failure)
        elif self.status >= 500:
            log.warning("request", **self._fields())
        elif quiet and self.status < 400:
            log.debug("request", **self._fields())
        else:
            log.info("request", **self._fields())

    def _fields(self) -> dict[str, Any]:
        return {
            "request_id": self.request_id.decode("ascii"),
            "door": "http",
            "operation": self.operation,
            "status": self.status,
            "reason": self.reason,
            "rows": self.rows,
            "ms": round((time.perf_counter() - self._started_s) * 1e3, 3),
            "version": self.version,
        }


def find_path(scope: Scope) -> str:
    """The path below the prefix at which a proxy has mounted the service, if any."""
    path: str = scope["path"]
    prefix: str = scope.get("root_path", "")
    return path.removeprefix(prefix) if prefix else path
