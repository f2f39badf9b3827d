"""Starting and stopping: what an operator's signal does to requests that are on their way."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from support.fakes import HeldBackend, count_images
from support.grpc_door import read_reason
from support.http_door import build_context
from support.slow_line import slow_line

from service.batching import Batcher, BatchLimits, Lanes
from service.codec import Codec
from service.core import find_warm_up_sizes
from service.doors import build_gateway_app, build_gateway_rpc
from service.servers import CannotListenError, Farewell, HttpServer, find_url, listen, serve_until_signal
from service.settings import GrpcSettings, HttpSettings
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

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, grace_s: float, delay_s: float = 0, arrival_s: float = 0
    ) -> None:
        self.backend = HeldBackend()
        self._signal = asyncio.Event()
        monkeypatch.setattr("service.servers.until_signal.catch_signals", self._catch_signals)
        batcher = Batcher(self.backend, BatchLimits(4096, 1, 8192))
        lanes = Lanes(batcher, batcher, max_small_rows=4096)
        codec = Codec(self.backend, lanes, model_name="digits", max_rows=4096)
        self._listener = listen("127.0.0.1", 0, settings=SETTINGS)
        self.url = find_url(self._listener)
        context = build_context(codec=codec)
        http = HttpServer(build_gateway_app(context), self._listener, HttpSettings(), grace_s)
        rpc = build_gateway_rpc(context, GrpcSettings(), grace_s, arrival_s=arrival_s)
        self.address = rpc.bind("127.0.0.1", 0, settings=SETTINGS)

        async def give_up() -> None:
            await lanes.close(grace_s=0)
            rpc.cut_off()

        self.context = context
        farewell = Farewell(codec.drain, delay_s, grace_s, give_up)
        self._serving = asyncio.create_task(serve_until_signal([http, rpc], farewell))

    def signal(self) -> None:
        """What SIGTERM does."""
        self._signal.set()

    @contextmanager
    def _catch_signals(self, *_signals: object) -> Iterator[asyncio.Event]:
        yield self._signal
        self._signal.clear()

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


async def test_readiness_goes_first_and_requests_are_answered_until_the_delay_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A load balancer that looks every second notices before the ports close; a second signal cuts the delay short."""
    running = Running(monkeypatch, grace_s=60, delay_s=600)
    running.backend.gate.set()
    async with (
        httpx.AsyncClient(base_url=running.url, timeout=60) as client,
        grpc.aio.insecure_channel(running.address) as channel,
    ):
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest(service="digitcodec.v1.Codec"))
        await watch.read()
        running.signal()
        drained = await watch.read()
        probe = await client.get("/readyz")
        answer = await client.post("/encode", content=BODY, headers=RAW)
        called = await _call(CodecStub(channel))
        running.signal()
        await running.wait()

    assert health_pb2.HealthCheckResponse.NOT_SERVING == drained.status
    assert (503, "not_ready") == (probe.status_code, probe.json()["reason"])
    assert (200, 1) == (answer.status_code, called.model.version)


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


async def test_calls_whose_rows_are_still_parsed_are_told_at_the_end_of_the_grace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are in no lane yet; they hear the same, and are not taken for callers who left."""
    running, released = Running(monkeypatch, grace_s=0.05), threading.Event()
    running.context.bulk.submit(released.wait, 60)
    async with grpc.aio.insecure_channel(running.address) as channel:
        stub: Any = CodecStub(channel)
        call = asyncio.ensure_future(_reconstruct(stub, pb.Images(packed=bytes(784 * 500))))
        async with asyncio.timeout(10):
            while not running.context.bulk._work_queue.qsize():  # noqa: ASYNC110, SLF001
                await asyncio.sleep(0.001)
        running.signal()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
    released.set()
    await running.wait()

    assert (grpc.StatusCode.UNAVAILABLE, "not_ready") == (caught.value.code(), read_reason(caught.value))


async def test_answers_on_a_slow_line_arrive_before_the_connection_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three megabytes over a line of four a second: the answer has left us long before it is there."""
    running = Running(monkeypatch, grace_s=60, arrival_s=1)
    async with slow_line(running.address, bytes_per_s=4e6) as address, grpc.aio.insecure_channel(address) as channel:
        stub: Any = CodecStub(channel)
        images = pb.Images(packed=count_images(4000).tobytes())
        call = asyncio.ensure_future(_reconstruct(stub, images))
        await running.backend.entered.wait()
        running.signal()
        running.backend.gate.set()
        answer = await call
        await running.wait()

    assert 4000 * 784 == len(answer.reconstructions)


async def _reconstruct(stub: Any, images: pb.Images) -> pb.ReconstructResponse:
    answer: pb.ReconstructResponse = await stub.Reconstruct(pb.ReconstructRequest(images=images), timeout=60)
    return answer


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
    first, second = (build_gateway_rpc(build_context(), GrpcSettings(), 1, arrival_s=0) for _ in range(2))
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


async def test_socket_of_a_living_server_is_not_taken(tmp_path: Path) -> None:
    """The second server is refused, and the first one goes on answering there; a dead one's socket is taken over."""
    path = tmp_path / "digits.sock"
    first, second = (build_gateway_rpc(build_context(), GrpcSettings(), 1, arrival_s=0) for _ in range(2))
    first.bind_socket(path, settings="X")
    serving = asyncio.create_task(first.serve())
    async with grpc.aio.insecure_channel(f"unix:{path}") as channel:
        await _call(CodecStub(channel))
        with pytest.raises(CannotListenError, match="another server answers on"):
            second.bind_socket(path, settings="X")
        answer = await _call(CodecStub(channel))
    first.stop()
    await serving
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    second.bind_socket(path, settings="X")

    assert 1 == answer.model.version


async def test_impossible_socket_is_told_with_the_setting(tmp_path: Path) -> None:
    """A folder that is not there, and a file that is no socket."""
    server = build_gateway_rpc(build_context(), GrpcSettings(), 1, arrival_s=0)
    (tmp_path / "file").touch()
    with pytest.raises(CannotListenError, match=r"is there the folder.*THE_SETTING"):
        server.bind_socket(tmp_path / "nowhere" / "digits.sock", settings="THE_SETTING")
    with pytest.raises(CannotListenError, match=r"is no socket.*THE_SETTING"):
        server.bind_socket(tmp_path / "file", settings="THE_SETTING")
