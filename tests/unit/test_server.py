"""Starting and stopping: what an operator's signal does to requests that are on their way."""

import asyncio
import socket
from functools import partial
from typing import Any

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from support.fakes import HeldBackend, count_images
from support.grpc_door import read_reason
from support.http_door import build_context

from service.app import find_warm_up_sizes
from service.batching import Batcher, BatchLimits, Lanes
from service.codec import Codec
from service.doors import build_gateway_app, build_gateway_rpc
from service.servers import CannotListenError, HttpServer, find_url, listen, serve_until_signal
from service.settings import GrpcSettings
from service.wire import codec_pb2 as pb
from service.wire.codec_pb2_grpc import CodecStub

BODY = count_images(1).tobytes()
RAW = {"Content-Type": "application/octet-stream"}
REQUEST = pb.EncodeRequest(images=pb.Images(packed=BODY))
SETTINGS = "DIGITCODEC_HTTP__HOST and DIGITCODEC_HTTP__PORT"


class Running:
    """A gateway over a held backend that a test stops as a signal would.

    Attributes:
        backend: Its gate is closed at first.
        url: Where it listens for HTTP.
        address: Where it listens for gRPC.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, grace_s: float) -> None:
        self.backend = HeldBackend()
        self._signal = asyncio.Event()
        monkeypatch.setattr("service.servers.until_signal.wait_for_signal", self._signal.wait)
        batcher = Batcher(self.backend, BatchLimits(8, 1, 64))
        lanes = Lanes(batcher, batcher, max_small_rows=8)
        codec = Codec(self.backend, lanes, model_name="digits", max_rows=64)
        self._listener = listen("127.0.0.1", 0, settings=SETTINGS)
        self.url = find_url(self._listener)
        context = build_context(codec=codec)
        http = HttpServer(build_gateway_app(context), self._listener, grace_s)
        rpc = build_gateway_rpc(context, GrpcSettings(), grace_s)
        self.address = rpc.bind("127.0.0.1", 0, settings=SETTINGS)
        give_up = partial(lanes.close, grace_s=0)
        self._serving = asyncio.create_task(serve_until_signal([http, rpc], grace_s, give_up))

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


async def test_running_calls_are_answered_after_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    """As requests over HTTP are; new ones are turned away, and a health watch does not hold up the stop."""
    running = Running(monkeypatch, grace_s=60)
    async with grpc.aio.insecure_channel(running.address) as channel:
        stub = CodecStub(channel)
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest())
        await watch.read()
        call = asyncio.ensure_future(_call(stub))
        await running.backend.entered.wait()
        running.signal()
        drained = await watch.read()
        running.backend.gate.set()
        answer = await call
        await running.wait()

    assert 1 == answer.model.version
    assert health_pb2.HealthCheckResponse.NOT_SERVING == drained.status


async def test_calls_beyond_the_grace_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that hangs cannot hold the stop up, and its callers get the documented status."""
    running = Running(monkeypatch, grace_s=0.05)
    async with grpc.aio.insecure_channel(running.address) as channel:
        call = asyncio.ensure_future(_call(CodecStub(channel)))
        await running.backend.entered.wait()
        running.signal()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
    running.backend.gate.set()
    await running.wait()

    assert (grpc.StatusCode.UNAVAILABLE, "not_ready") == (caught.value.code(), read_reason(caught.value))


async def _call(stub: Any) -> pb.EncodeResponse:
    answer: pb.EncodeResponse = await stub.Encode(REQUEST, timeout=60)
    return answer


def test_taken_port_is_told_with_the_setting() -> None:
    """The error names the address and the variables that choose another."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListenError, match=f"127.0.0.1:{port}.*DIGITCODEC_HTTP__PORT"):
            listen("127.0.0.1", port, settings=SETTINGS)


async def test_taken_grpc_port_is_told_with_the_setting() -> None:
    """Two services never share a port without knowing, as gRPC would let them."""
    first, second = (build_gateway_rpc(build_context(), GrpcSettings(), 1) for _ in range(2))
    port = first.bind("127.0.0.1", 0, settings="").rpartition(":")[2]
    with pytest.raises(CannotListenError, match=f"127.0.0.1:{port}.*DIGITCODEC_GRPC__PORT"):
        second.bind("127.0.0.1", int(port), settings="DIGITCODEC_GRPC__PORT")


def test_url_of_an_ipv6_address_has_brackets() -> None:
    """So that it can be pasted into a browser."""
    with listen("::1", 0, settings=SETTINGS) as listener:
        assert find_url(listener).startswith("http://[::1]:")


def test_warm_up_stays_small_for_large_batches() -> None:
    """Every size that small requests form is warm; a large limit does not make the start long."""
    sizes = find_warm_up_sizes(64, 512)
    assert set(range(1, 65)) | {128, 256, 512} == set(sizes)

    assert len(find_warm_up_sizes(4096, 8192)) < 80
