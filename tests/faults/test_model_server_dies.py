"""The model server is killed under load, again and again: what callers of the gateway see, and for how long."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import grpc
import httpx
import pytest
from support.fakes import count_images
from support.grpc_door import read_reason

from bench.running import RunningService, ServiceFailedError, behind, running_service
from service.wire import codec_pb2 as pb
from service.wire.codec_pb2_grpc import CodecStub

pytestmark = pytest.mark.tensorflow

_DEATHS = 5
_HTTP_CALLERS, _GRPC_CALLERS = 6, 2
_TIMEOUT_S = 5.0
# Failures in the gap are told within a second, and service resumes within two; the rest is for a busy machine.
_MOST_FAILING_S = 1.0
_MOST_RESUMING_S = 2.0
_BODY = count_images(2).tobytes()
_HEADERS = {"Content-Type": "application/octet-stream", "X-Request-Timeout": str(_TIMEOUT_S)}


@dataclass
class Seen:
    """What callers saw.

    Attributes:
        outcomes: Status and reason of every answer, with the seconds that it took.
        good: Counts good answers.
    """

    outcomes: list[tuple[str, str | None, float]] = field(default_factory=list)
    good: int = 0

    def note(self, status: str, reason: str | None, began_s: float) -> None:
        """Keep one outcome."""
        self.outcomes.append((status, reason, time.monotonic() - began_s))
        self.good += reason is None


async def call_http(client: httpx.AsyncClient, seen: Seen) -> None:
    """Call for ever over HTTP."""
    while True:
        began_s = time.monotonic()
        answer = await client.post("/score", content=_BODY, headers=_HEADERS)
        seen.note(str(answer.status_code), answer.json().get("reason"), began_s)


async def call_grpc(channel: grpc.aio.Channel, seen: Seen) -> None:
    """Call for ever over gRPC."""
    stub = CodecStub(channel)
    while True:
        began_s = time.monotonic()
        try:
            await stub.Score(pb.ScoreRequest(images=pb.Images(packed=_BODY)), timeout=_TIMEOUT_S)
            seen.note("OK", None, began_s)
        except grpc.aio.AioRpcError as error:
            seen.note(error.code().name, read_reason(error), began_s)


@asynccontextmanager
async def load(gateway: RunningService, seen: Seen) -> AsyncIterator[None]:
    """Callers on both doors for as long as the block lasts; one that fails otherwise than seen fails the test."""
    async with (
        httpx.AsyncClient(base_url=gateway.url, timeout=30) as client,
        grpc.aio.insecure_channel(gateway.grpc) as channel,
    ):
        callers = [asyncio.create_task(call_http(client, seen)) for _ in range(_HTTP_CALLERS)]
        callers += [asyncio.create_task(call_grpc(channel, seen)) for _ in range(_GRPC_CALLERS)]
        yield
        ended = [caller for caller in callers if caller.done()]
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        assert not ended, ended[0]


@contextmanager
def killed_model_server(port: int) -> Iterator[RunningService]:
    """A model server on this port that the block is to kill."""
    with (
        pytest.raises(ServiceFailedError, match="status -9"),
        running_service({"DIGITCODEC_MODEL_SERVER__PORT": str(port)}, "model-server") as server,
    ):
        yield server


def find_free_port() -> int:
    """A port that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_for(condition: Callable[[], bool], limit_s: float) -> None:
    """Return once it holds; it must within the limit."""
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, f"not so after {limit_s} s"
        time.sleep(0.01)


def wait_for_good(seen: Seen, count: int, limit_s: float) -> None:
    """Return once so many more answers were good."""
    goal = seen.good + count
    wait_for(lambda: seen.good >= goal, limit_s)


def live_and_die(port: int, url: str, seen: Seen) -> None:
    """One life of the model server: service begins soon after it is ready, and readiness follows both ways."""
    with httpx.Client(base_url=url) as client, killed_model_server(port) as server:
        wait_for_good(seen, 1, _MOST_RESUMING_S)
        wait_for(lambda: client.get("/readyz").status_code == 200, _MOST_RESUMING_S)
        wait_for_good(seen, 50, 30)
        server.process.kill()
        wait_for(lambda: client.get("/readyz").status_code == 503, _MOST_RESUMING_S)


async def test_callers_are_told_and_service_resumes() -> None:
    """Five deaths: no request hangs, failures in the gap are 503 or UNAVAILABLE at once, nothing is restarted."""
    port, seen = find_free_port(), Seen()
    settings = {**behind(f"127.0.0.1:{port}"), "DIGITCODEC_LIMITS__DEFAULT_TIMEOUT_S": str(_TIMEOUT_S)}
    with running_service(settings, is_ready_wanted=False) as gateway:
        async with load(gateway, seen):
            for _ in range(_DEATHS):
                await asyncio.to_thread(live_and_die, port, gateway.url, seen)
        failures = {(status, reason) for status, reason, _ in seen.outcomes if reason is not None}
        slowest_s = max(took_s for _, reason, took_s in seen.outcomes if reason is not None)

    assert {("503", "not_ready"), ("UNAVAILABLE", "not_ready")} == failures
    assert slowest_s < _MOST_FAILING_S
