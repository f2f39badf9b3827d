"""What to size a gateway by: `python -m bench.sizing` measures images/s, waits, processor time and memory.

The load comes from this process, over raw keep-alive connections, and shares the machine with the service: images per
processor second carry over to other machines of the kind better than images per second do.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.plain_http import read_answer, render_post
from bench.running import RunningService, behind, running_service
from service.images import render_npy

_WARM_S = 1.0
# Of /proc/PID/stat, counted from behind the name: user and system time.
_TIMES = slice(11, 13)
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Load:
    """One way to ask.

    Attributes:
        name: For the table.
        callers: Connections, each with one request under way.
        rows: Images in a request.
        path: What is asked for.
        media: Type of body and answer.
    """

    name: str
    callers: int
    rows: int
    path: str
    media: str

    def render(self) -> bytes:
        """The bytes of a request; images of noise cost what digits do."""
        images = np.random.default_rng(0).integers(0, 256, (self.rows, 28, 28), np.uint8)
        body = render_npy(images) if self.media == "application/x-npy" else images.tobytes()
        accept = "application/x-npy" if self.rows > 1 else "application/json"
        return render_post(self.path, body, self.media, accept)


_LOADS = (
    Load("`/score`, 1 image, 1 caller", 1, 1, "/score", "application/octet-stream"),
    Load("`/score`, 1 image, 64 callers", 64, 1, "/score", "application/octet-stream"),
    Load("`/reconstruct`, 64 images of npy, 4 callers", 4, 64, "/reconstruct", "application/x-npy"),
    Load("`/reconstruct`, 4,096 images of npy, 2 callers", 2, 4096, "/reconstruct", "application/x-npy"),
)


async def measure(service: RunningService, load: Load, seconds: float) -> list[float]:
    """Images/s, p50 and p99 in ms, and images per second of processor time."""
    port, request = int(service.url.rpartition(":")[2]), load.render()
    await _ask(port, request, load.callers, _WARM_S)
    began_s, used_s = time.perf_counter(), read_processor_s(service)
    times = await _ask(port, request, load.callers, seconds)
    took_s, used_s = time.perf_counter() - began_s, read_processor_s(service) - used_s
    rows = len(times) * load.rows
    p50_s, p99_s = np.percentile(times, [50, 99])
    return [rows / took_s, p50_s * 1e3, p99_s * 1e3, rows / used_s]


def read_processor_s(service: RunningService) -> float:
    """Processor time that the service has used; read from Linux's /proc."""
    fields = service.read_proc("stat").rpartition(")")[2].split()
    return sum(map(int, fields[_TIMES])) / _TICKS_PER_S


async def _ask(port: int, request: bytes, callers: int, seconds: float) -> list[float]:
    """Ask from all callers for so long; the seconds that each answer took."""
    end_s = time.perf_counter() + seconds
    return [
        each for part in await asyncio.gather(*(_call(port, request, end_s) for _ in range(callers))) for each in part
    ]


async def _call(port: int, request: bytes, end_s: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    times = []
    while (began_s := time.perf_counter()) < end_s:
        writer.write(request)
        await read_answer(reader)
        times.append(time.perf_counter() - began_s)
    writer.close()
    await writer.wait_closed()
    return times


def render(service: RunningService, title: str, seconds: float) -> str:
    """A Markdown table of all loads, and the memory before and after them."""
    before_mib = service.memory_mib()
    lines = [
        f"| {title} | images/s | p50, ms | p99, ms | images per processor second |",
        "| --- | --- | --- | --- | --- |",
    ]
    for load in _LOADS:
        rate, p50_ms, p99_ms, per_s = asyncio.run(measure(service, load, seconds))
        lines.append(f"| {load.name} | {rate:,.0f} | {p50_ms:.1f} | {p99_ms:.1f} | {per_s:,.0f} |")
    return "\n".join(
        [*lines, "", f"{title}: {before_mib:.0f} MiB when ready, {service.memory_mib():.0f} MiB afterwards"]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print, the model inside and behind a model server."""
    parser = argparse.ArgumentParser(prog="python -m bench.sizing", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load")
    seconds = parser.parse_args(arguments).seconds
    with running_service() as service:
        print(render(service, "embedded", seconds), end="\n\n", flush=True)
    with running_service(command="model-server") as server, running_service(behind(server.grpc)) as service:
        print(render(service, "thin, before a model server", seconds))


if __name__ == "__main__":
    main()
