"""What one request of each kind costs the processes that answer it, in processor time."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from bench.running import RunningService
from bench.sizing import read_processor_s
from bench.speed import calls, client
from bench.speed.helper import Helper, helper_process
from bench.speed.loads import Load, Signature, render_requests, split_into_requests
from bench.speed.systems import our_system, thin_system
from bench.words.ask import RpcRequest
from bench.words.grpc import PACKED
from service.domain import Images

LOADS = {"png": Load("encode", 64), "npy-256": Load("encode", 4, 256), "npy-4096": Load("encode", 2, 4096)}
PACKED_ROWS = 256

_WARM_S = 0.5


@dataclass(frozen=True, slots=True)
class Carried:
    """Processor time for an image.

    Attributes:
        system: `embedded` or `thin`.
        format: How the images came.
        rows: Images in a request.
        rate: Images per second, with all processes and the load on this machine.
        gateway_us: Of the gateway's process.
        loop_us: Of its event loop's thread alone.
        server_us: Of the model server's process; 0 without one.
    """

    system: str
    format: str
    rows: int
    rate: float
    gateway_us: float
    loop_us: float
    server_us: float


@dataclass(frozen=True, slots=True)
class ModelSpeed:
    """Calls of the model in one thread on one core.

    Attributes:
        signature: What is called.
        rows: Images in a call.
        rate: Images per second.
    """

    signature: str
    rows: int
    rate: float


def measure_carried(root: Path, digits: Images, seconds: float) -> list[Carried]:
    """Every format with the model inside and before a model server."""
    with helper_process() as caller:
        with our_system(root) as ours:
            found = _measure_system("embedded", ours.processes, caller, digits, seconds)
        with thin_system(root) as (thin, _):
            return found + _measure_system("thin", thin.processes, caller, digits, seconds)


def measure_model(version: Path, digits: Images, seconds: float) -> list[ModelSpeed]:
    """What the session that TensorFlow Serving runs as well answers on one core."""
    signatures: tuple[Signature, ...] = ("encode", "reconstruct")
    with _helper_on_one_core() as helper:
        return [
            _measure_calls(helper, version, digits, signature, rows, seconds)
            for signature in signatures
            for rows in (1, 64, 512)
        ]


def measure_call_s(root: Path, version: Path, digits: Images, seconds: float) -> float:
    """What a call of a model server takes beyond the model itself: the difference of two medians."""
    batches = split_into_requests(Load("encode", 1), digits)
    with helper_process() as helper, thin_system(root) as (_, target):
        server_s = helper.call(calls.time_predict, target, batches, seconds)
        session_s = helper.call(calls.time_session, version, "encode", batches, seconds)
    return float(np.median(server_s) - np.median(session_s))


def ask_packed(address: str, request: RpcRequest, seconds: float) -> int:
    """Call again and again for so long, one call after the other; how many were answered."""
    count, end_s = 0, time.monotonic() + seconds
    with grpc.insecure_channel(address) as channel:
        call: Any = channel.unary_unary(request.path)
        while time.monotonic() < end_s:
            call(request.message, timeout=10)
            count += 1
    return count


def _measure_system(
    system: str, processes: Sequence[RunningService], caller: Helper, digits: Images, seconds: float
) -> list[Carried]:
    gateway = processes[0]
    found = []
    for name, load in LOADS.items():
        requests = render_requests(load, digits, "/encode")
        port = int(gateway.url.rpartition(":")[2])
        caller.call(client.ask, port, requests, load.callers, _WARM_S)
        with _counted(processes) as count:
            asked = caller.call(client.ask, port, requests, load.callers, seconds)
        found.append(count.render(system, name, load.rows, asked.count))
    request = PACKED.write("encode", np.resize(digits, (PACKED_ROWS, 28, 28)))
    if not isinstance(request, RpcRequest):
        raise TypeError("the words of gRPC are no call. This is a bug")
    caller.call(ask_packed, gateway.grpc, request, _WARM_S)
    with _counted(processes) as count:
        calls_made = caller.call(ask_packed, gateway.grpc, request, seconds)
    return [*found, count.render(system, "packed-256", PACKED_ROWS, calls_made)]


class _Count:
    """Processor time of processes, from one look to another."""

    def __init__(self, processes: Sequence[RunningService]) -> None:
        self._processes = processes
        self._first = self._read()
        self._used: list[float] = []

    def end(self) -> None:
        """Look again."""
        self._used = [after - before for before, after in zip(self._first, self._read(), strict=True)]

    def render(self, system: str, name: str, rows: int, requests: int) -> Carried:
        """What it comes to for an image."""
        took_s, loop_s, gateway_s, *server_s = self._used
        images = requests * rows
        us = 1e6 / images
        return Carried(system, name, rows, images / took_s, gateway_s * us, loop_s * us, sum(server_s) * us)

    def _read(self) -> list[float]:
        return [time.monotonic(), _read_loop_s(self._processes[0]), *map(read_processor_s, self._processes)]


@contextmanager
def _counted(processes: Sequence[RunningService]) -> Iterator[_Count]:
    count = _Count(processes)
    yield count
    count.end()


def _read_loop_s(service: RunningService) -> float:
    """Processor time of the first thread, which runs the event loop."""
    return int(service.read_proc(f"task/{service.process.pid}/schedstat").split()[0]) / 1e9


@contextmanager
def _helper_on_one_core() -> Iterator[Helper]:
    with helper_process() as helper:
        helper.call(os.sched_setaffinity, 0, {min(os.sched_getaffinity(0))})
        yield helper


def _measure_calls(
    helper: Helper, version: Path, digits: Images, signature: Signature, rows: int, seconds: float
) -> ModelSpeed:
    batches = split_into_requests(Load(signature, 1, rows), digits)
    times_s = helper.call(calls.time_session, version, signature, batches, seconds)
    return ModelSpeed(signature, rows, rows / float(np.median(times_s)))
