"""What the watch over a fuzzed service notices."""

from typing import Any, cast

import pytest
from support.fuzz_doors import FuzzDoors, open_fuzz_doors

from bench.fuzz.cases import HttpCase, RpcCase
from bench.fuzz.health import HealthWatch
from bench.fuzz.replies import FindingError, HttpReply, RpcReply
from bench.fuzz.sending import Sender
from bench.running import RunningService

METRICS, READY = b"/metrics", b"/readyz"
FAILED = b'digitcodec_requests_total{door="grpc",operation="encode",code="INTERNAL"} 1.0'


class _Process:
    """Stands for the child that is watched."""

    returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode


class _Canned:
    """Answers from memory, as a `Sender`."""

    def __init__(self, replies: dict[bytes, HttpReply]) -> None:
        self.replies = replies

    def request(self, case: HttpCase) -> HttpReply:
        return self.replies[case.target]

    def call(self, case: RpcCase) -> RpcReply:
        return RpcReply("OK", "", {}, (b"answer",))


@pytest.fixture
async def canned() -> _Canned:
    """What a real gateway answers."""
    async with open_fuzz_doors() as doors:
        targets = (METRICS, READY)
        replies = {target: await _ask(doors, HttpCase(b"GET", target)) for target in targets}
    return _Canned({**replies, b"/reconstruct": HttpReply(200, {}, b"{}")})


async def _ask(doors: FuzzDoors, case: HttpCase) -> HttpReply:
    reply = await doors.request(case)
    assert reply is not None
    return reply


def watch(canned: _Canned, process: Any = None) -> HealthWatch:
    """A watch over a service that answers so."""
    return HealthWatch(RunningService("", "", cast("Any", process or _Process())), cast("Sender", canned))


def test_sound_service_passes(canned: _Canned) -> None:
    """Nothing is wrong with a fresh one."""
    health = watch(canned)
    health.check()
    health.check_end()


def test_changed_answer_is_a_finding(canned: _Canned) -> None:
    """The known digit has one answer for ever."""
    health = watch(canned)
    canned.replies[b"/reconstruct"] = HttpReply(200, {}, b"{ }")

    with pytest.raises(FindingError, match="known digit"):
        health.check()


def test_service_that_is_not_ready_is_a_finding(canned: _Canned) -> None:
    """Nothing that a caller sends makes a service unready."""
    canned.replies[READY] = HttpReply(503, {}, b"no")

    with pytest.raises(FindingError, match="503"):
        watch(canned).check()


def test_dead_process_is_a_finding(canned: _Canned) -> None:
    """Its status is told."""
    process = _Process()
    process.returncode = -6

    with pytest.raises(FindingError, match="-6"):
        watch(canned, process).check()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"digitcodec_inflight_requests 1.0", b"digitcodec_inflight_requests 2.0"),
        (b'digitcodec_queue_rows{lane="bulk"} 0.0', b'digitcodec_queue_rows{lane="bulk"} 7.0'),
        (b"# HELP digitcodec_ready", FAILED + b"\n# HELP digitcodec_ready"),
    ],
)
def test_what_is_left_over_is_a_finding(old: bytes, new: bytes, canned: _Canned) -> None:
    """Requests that never ended, rows that wait for ever, and mistakes of ours that nobody saw."""
    page = canned.replies[METRICS]
    assert old in page.body
    canned.replies[METRICS] = HttpReply(page.status, page.headers, page.body.replace(old, new))

    with pytest.raises(FindingError, match="counts"):
        watch(canned).check_end(settle_s=0)
