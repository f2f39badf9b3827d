"""Whether the service is still itself: it lives, is ready, gives a known digit its known answer, and holds nothing."""

import re
import time

from bench.fuzz import seeds
from bench.fuzz.cases import HttpCase, RpcCase
from bench.fuzz.replies import FindingError
from bench.fuzz.sending import Sender
from bench.running import RunningService
from service.wire import codec_pb2 as codec

MAX_GROWTH_MIB = 96.0
"""What the resident memory may grow by after the first round: allocators keep what one thread gave back."""

# A little more than the longest deadline of a request.
_SETTLE_S = 6.0
_LOOK_INTERVAL_S = 0.2

_READY = HttpCase(b"GET", b"/readyz")
_METRICS = HttpCase(b"GET", b"/metrics")
_OCTETS = ((b"content-type", b"application/octet-stream"),)
_IN_FLIGHT = re.compile(rb"^digitcodec_inflight_requests\S* (\S+)$", re.MULTILINE)
_FAILED = re.compile(rb'^digitcodec_requests_total\{.*code="(?:500|501|502|INTERNAL|UNKNOWN)".*\} (\S+)$', re.MULTILINE)
_QUEUED = re.compile(rb"^digitcodec_queue_rows\S* (\S+)$", re.MULTILINE)


class HealthWatch:
    """Remembers the answers to a known digit, and asks for them again."""

    def __init__(self, service: RunningService, sender: Sender) -> None:
        """Ask once; the service is fresh and its answers are right.

        Args:
            service: What is watched.
            sender: Asks.
        """
        self._service = service
        self._sender = sender
        picture = seeds.images(1).tobytes()
        request = codec.ReconstructRequest(images=codec.Images(packed=picture))
        self._http = HttpCase(b"POST", b"/reconstruct", _OCTETS, picture)
        self._rpc = RpcCase("/digitcodec.v1.Codec/Reconstruct", (request.SerializeToString(),))
        self._expected = self._ask()

    def check(self) -> None:
        """Look once.

        Raises:
            FindingError: If the service has ended, is not ready, or answers otherwise than at first.
        """
        if self._service.process.poll() is not None:
            raise FindingError(f"the process has ended with status {self._service.process.returncode}")
        ready = self._sender.request(_READY)
        if ready.status != 200:
            raise FindingError(f"/readyz answers {ready.status}: {ready.body[:300]!r}")
        if (came := self._ask()) != self._expected:
            raise FindingError(f"a known digit was answered by {came!s:.300}, at first it was {self._expected!s:.300}")

    def check_end(self, settle_s: float = _SETTLE_S) -> None:
        """Look at what the service counted, once nobody else asks.

        Args:
            settle_s: Time for what is under way to end.

        Raises:
            FindingError: If a request is still under way or queued, or some failed by a mistake of ours.
        """
        end_s = time.monotonic() + settle_s
        while (left := self._count_leftovers()) is not None:
            if time.monotonic() > end_s:
                raise FindingError(f"the service counts {left}")
            time.sleep(_LOOK_INTERVAL_S)

    def _count_leftovers(self) -> str | None:
        """What should not be there; None if nothing is."""
        page = self._sender.request(_METRICS).body
        failed, in_flight, queued = (_sum(pattern, page) for pattern in (_FAILED, _IN_FLIGHT, _QUEUED))
        if not failed and in_flight == 1 and not queued:  # the question itself is under way
            return None
        return f"{failed:g} failures, {in_flight:g} requests in flight, {queued:g} rows queued"

    def _ask(self) -> tuple[int, bytes, str, tuple[bytes, ...]]:
        answered, called = self._sender.request(self._http), self._sender.call(self._rpc)
        return answered.status, answered.body, called.code, called.messages


def _sum(pattern: re.Pattern[bytes], page: bytes) -> float:
    return sum(map(float, pattern.findall(page)))
