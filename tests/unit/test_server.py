"""Starting and stopping: what an operator's signal does to requests that are on their way."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest
from support.fakes import HeldBackend, count_images

from service.api.http import build_http_app
from service.app import find_warm_up_sizes
from service.batching import Batcher, BatchLimits, Lanes
from service.codec import Codec
from service.server import CannotListenError, find_url, listen, serve_until_signal
from service.settings import HttpSettings, LimitSettings

BODY = count_images(1).tobytes()
RAW = {"Content-Type": "application/octet-stream"}


class Running:
    """A gateway over a held backend that a test stops as a signal would.

    Attributes:
        backend: Its gate is closed at first.
        url: Where it listens.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, grace_s: float) -> None:
        self.backend = HeldBackend()
        self._signal = asyncio.Event()
        monkeypatch.setattr("service.server._wait_for_signal", self._signal.wait)
        limits = LimitSettings()
        batcher = Batcher(self.backend, BatchLimits(8, 1, 64))
        lanes = Lanes(batcher, batcher, max_small_rows=8)
        codec = Codec(self.backend, lanes, model_name="digits", max_rows=64)
        self._listener = listen(HttpSettings(port=0))
        self.url = find_url(self._listener)
        app = build_http_app(codec, limits, ThreadPoolExecutor(1))
        give_up = partial(lanes.close, grace_s=0)
        self._serving = asyncio.create_task(serve_until_signal(app, self._listener, grace_s, give_up))

    def signal(self) -> None:
        """What SIGTERM does."""
        self._signal.set()

    async def wait(self) -> None:
        """Return once the server has ended."""
        await asyncio.wait_for(self._serving, 60)
        self._listener.close()


async def test_running_requests_are_answered_after_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that was admitted before the signal has its answer before the server ends."""
    running = Running(monkeypatch, grace_s=60)
    async with httpx.AsyncClient(base_url=running.url, timeout=60) as client:
        request = asyncio.create_task(client.post("/encode", content=BODY, headers=RAW))
        await running.backend.entered.wait()
        running.signal()
        await asyncio.sleep(0)
        running.backend.gate.set()
        answer = await request
    await running.wait()

    assert 200 == answer.status_code


async def test_requests_beyond_the_grace_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that hangs cannot hold the stop up, and its callers get the documented 503."""
    running = Running(monkeypatch, grace_s=0.05)
    async with httpx.AsyncClient(base_url=running.url, timeout=60) as client:
        request = asyncio.create_task(client.post("/encode", content=BODY, headers=RAW))
        await running.backend.entered.wait()
        running.signal()
        answer = await request
    running.backend.gate.set()
    await running.wait()

    assert (503, "not_ready") == (answer.status_code, answer.json()["reason"])


def test_taken_port_is_told_with_the_setting() -> None:
    """The error names the address and the variables that choose another."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListenError, match=f"127.0.0.1:{port}.*DIGITCODEC_HTTP__PORT"):
            listen(HttpSettings(port=port))


def test_url_of_an_ipv6_address_has_brackets() -> None:
    """So that it can be pasted into a browser."""
    with listen(HttpSettings(host="::1", port=0)) as listener:
        assert find_url(listener).startswith("http://[::1]:")


def test_warm_up_stays_small_for_large_batches() -> None:
    """Every size that small requests form is warm; a large limit does not make the start long."""
    sizes = find_warm_up_sizes(64, 512)
    assert set(range(1, 65)) | {128, 256, 512} == set(sizes)

    assert len(find_warm_up_sizes(4096, 8192)) < 80
