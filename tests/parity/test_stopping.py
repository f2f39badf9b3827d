"""SIGTERM under load, on the whole service: nobody who was admitted goes without an answer, and it ends with 0."""

import asyncio

import httpx
import pytest
from support.fakes import count_images

from bench.running import RunningService, running_service

pytestmark = pytest.mark.tensorflow

_CALLERS = 16
_RAW = {"Content-Type": "application/octet-stream"}


async def call_until_closed(client: httpx.AsyncClient, statuses: list[int]) -> None:
    """Call until the service takes no more connections; a request that was sent is either answered or not begun."""
    while True:
        try:
            answer = await client.post("/score", content=count_images(2).tobytes(), headers=_RAW)
        except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError):
            return
        statuses.append(answer.status_code)


async def stop_under_load(service: RunningService) -> list[int]:
    """Statuses of all answers until the service has gone."""
    statuses: list[int] = []
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as client, asyncio.timeout(60):
        callers = [asyncio.create_task(call_until_closed(client, statuses)) for _ in range(_CALLERS)]
        while len(statuses) < 200:  # noqa: ASYNC110 - counted by the callers
            await asyncio.sleep(0.01)
        service.process.terminate()
        await asyncio.gather(*callers)
        await asyncio.to_thread(service.process.wait, 60)
    return statuses


def test_stopping_under_load_answers_everybody() -> None:
    """Every answer is good, and the service's exit status is 0."""
    with running_service() as service:
        statuses = asyncio.run(stop_under_load(service))

    assert {200} == set(statuses)
    assert 0 == service.process.returncode
