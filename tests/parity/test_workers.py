"""A service of several processes: they share its ports and its work, and none is missed when it dies."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from support.fakes import count_images
from support.worker_service import WorkerService, is_gone, running_workers, wait_until

from bench.running import RunningService, ServiceFailedError, behind
from service.wire import codec_pb2 as pb
from service.wire.codec_pb2_grpc import CodecStub

pytestmark = pytest.mark.tensorflow

_BODY = count_images(2).tobytes()
_RAW = {"Content-Type": "application/octet-stream"}
_CALLERS = 8


@pytest.fixture(scope="module")
def workers(model_server: RunningService) -> Iterator[WorkerService]:
    """Two workers before the model server, for tests that leave them in good health."""
    with running_workers(behind(model_server.grpc)) as service:
        yield service


def score(service: WorkerService) -> int:
    """The status of one request on a connection of its own."""
    return httpx.post(f"{service.running.url}/score", content=_BODY, headers=_RAW, timeout=30).status_code


def score_over_grpc(service: WorkerService) -> int:
    """The version that answered one call on a connection of its own."""
    with grpc.insecure_channel(service.running.grpc, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        stub: Any = CodecStub(channel)
        answer = stub.Score(pb.ScoreRequest(images=pb.Images(packed=_BODY)), timeout=30)
    version: int = answer.model.version
    return version


def test_all_workers_answer_on_both_doors_and_any_tells_of_all(workers: WorkerService) -> None:
    """The system deals out connections as it likes, so callers come until each worker has answered on each door."""
    before, sent = workers.scrape(), 0
    while not all({1, 2} == set(workers.find_answers(door, "score")) for door in ("http", "grpc")):
        sent += 1
        assert (200, 1) == (score(workers), score_over_grpc(workers))
    rows, waits = before["digitcodec_rows_total"] + 4 * sent, before["digitcodec_queue_seconds_count"] + 2 * sent
    wait_until(lambda: True if workers.scrape()["digitcodec_rows_total"] >= rows else None)
    names = ("digitcodec_rows_total", "digitcodec_queue_seconds_count", "digitcodec_workers", "digitcodec_ready")
    pages = [workers.scrape() for _ in range(10)]

    assert [[rows, waits, 2, 1]] * 10 == [[page[name] for name in names] for page in pages]
    assert [2] == [line["workers"] for line in workers.read_lines("listening")]


async def call_until_closed(client: httpx.AsyncClient, statuses: list[int]) -> None:
    """Call on new connections until the service takes no more."""
    while True:
        try:
            answer = await client.post("/score", content=_BODY, headers={**_RAW, "Connection": "close"})
        except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError):
            return
        statuses.append(answer.status_code)


async def stop_under_load(running: RunningService, processes: list[int]) -> list[int]:
    """Statuses of all answers until the service has gone."""
    statuses: list[int] = []
    async with httpx.AsyncClient(base_url=running.url, timeout=30) as client, asyncio.timeout(60):
        callers = [asyncio.create_task(call_until_closed(client, statuses)) for _ in range(_CALLERS)]
        while len(statuses) < 100:  # noqa: ASYNC110 - counted by the callers
            await asyncio.sleep(0.01)
        for pid in processes:
            os.kill(pid, signal.SIGTERM)
        await asyncio.gather(*callers)
        await asyncio.to_thread(running.process.wait, 60)
    return statuses


def test_stopping_under_load_loses_no_answer(model_server: RunningService) -> None:
    """What the workers' logs say was answered is what callers got; all end well, and nothing of the service is left.

    Each process gets the signal, as from systemd: the workers follow the first one's word alone.
    """
    with running_workers(behind(model_server.grpc)) as service:
        processes = service.find_workers().values()
        statuses = asyncio.run(stop_under_load(service.running, [*processes, service.running.process.pid]))
        answered, deaths = service.find_answers("http", "score"), service.read_lines("worker_died")

    assert {200} == set(statuses)
    assert (len(answered), []) == (len(statuses), deaths)
    assert 0 == service.running.process.returncode
    assert all(is_gone(pid) for pid in processes)


def test_killed_worker_is_replaced_and_the_other_goes_on(workers: WorkerService) -> None:
    """Once it is dead nobody notices but the operator; what it counted stays counted."""
    statuses = [score(workers) for _ in range(20)]
    before, living = workers.scrape(), workers.find_workers()
    os.kill(living[2], signal.SIGKILL)
    wait_until(lambda: True if is_gone(living[2]) else None)
    statuses += [score(workers) for _ in range(20)]
    between = workers.scrape()
    wait_until(lambda: True if workers.find_workers()[2] != living[2] else None)
    workers.wait_for_workers(2)
    statuses += [score(workers) for _ in range(20)]
    after, deaths = workers.scrape(), workers.read_lines("worker_died")
    counters = {name for name in before if name.endswith(("_total", "_count", "_bucket"))}

    assert {200} == set(statuses)
    assert living[1] == workers.find_workers()[1]
    assert [(2, -signal.SIGKILL)] == [(line["worker"], line["status"]) for line in deaths]
    assert 1 == after["digitcodec_worker_restarts_total"]
    assert [] == [name for name in counters if not before[name] <= between[name] <= after[name]]


def test_workers_end_with_the_first_process(model_server: RunningService) -> None:
    """Even if it is killed, so that nothing holds on to the ports, and the folder of the metrics is taken away."""
    with suppress(ServiceFailedError), running_workers(behind(model_server.grpc)) as service:
        living = service.find_workers()
        folder = Path(read_heritage(living[1])["metrics"])
        was_there = folder.is_dir()
        service.running.process.kill()
        wait_until(lambda: True if all(is_gone(pid) for pid in living.values()) else None)

    assert (True, False) == (was_there, folder.exists())


def read_heritage(pid: int) -> dict[str, Any]:
    """What a worker was started with."""
    heritage: dict[str, Any] = json.loads(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[-2])
    return heritage


@pytest.mark.parametrize("count", ["1", "2"])
def test_second_service_on_the_port_is_refused(workers: WorkerService, count: str) -> None:
    """Although workers share the port among themselves."""
    address = workers.running.grpc
    ended = start_badly({"DIGITCODEC_HTTP__WORKERS": count, "DIGITCODEC_GRPC__PORT": address.rpartition(":")[2]})

    assert 2 == ended.returncode
    assert f"digitcodec: cannot listen on {address}" in ended.stderr


def start_badly(settings: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """How a service ended that cannot start."""
    return subprocess.run(
        [sys.executable, "-m", "service"],
        env={**os.environ, "DIGITCODEC_HTTP__PORT": "0", "DIGITCODEC_GRPC__PORT": "0", **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_worker_that_cannot_start_as_configured_ends_the_service(tmp_path: Path) -> None:
    """With the one line that says why, however many there would have been."""
    ended = start_badly(
        {
            "DIGITCODEC_HTTP__WORKERS": "4",
            "DIGITCODEC_ACCESS__KEYS_FILE": str(tmp_path / "nowhere"),
            **behind("127.0.0.1:9"),
        }
    )

    assert 2 == ended.returncode
    assert ["digitcodec:"] == [line.split()[0] for line in ended.stderr.splitlines()]
