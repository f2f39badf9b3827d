"""What one caller of large requests costs fifty callers of single images: `python -m bench.fairness`.

Callers are told apart by their addresses, which loopback has many of. The same singles are asked without the large
requests and beside them, in turn; ends with status 1 if the 99th percentile beside them is over the bar.
"""

import argparse
import asyncio
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from urllib.parse import urlsplit

import numpy as np

from bench.plain_http import UnexpectedAnswerError, read_answer, render_post
from bench.running import RunningService, running_service

_HOST = "127.0.0.1"
_BULK_ADDRESS = "127.0.1.1"
_BULK_ROWS = 4096
_BULK_TIMEOUT_S = 60
_WARM_UP_S = 2.0
_RAW, _NPY, _JSON = "application/octet-stream", "application/x-npy", "application/json"


@dataclass(slots=True)
class Figures:
    """What was measured in one condition, over all rounds.

    Attributes:
        singles_s: How long each single image took.
        bulk_s: How long each large request took.
    """

    singles_s: list[float] = field(default_factory=list)
    bulk_s: list[float] = field(default_factory=list)

    def find_ms(self, percentile: float) -> float:
        """A percentile of the singles' times."""
        return float(np.percentile(self.singles_s, percentile)) * 1e3


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked.

    Attributes:
        port: Of the service on loopback.
        callers: Callers of single images.
        pause_s: Mean time that each of them waits after an answer; 0 for none.
        bulk: The operation that large requests ask for.
    """

    port: int
    callers: int
    pause_s: float
    bulk: str


async def ask_singles(load: Load, seconds: float) -> list[float]:
    """Let every caller ask for single images, one after the other, for so many seconds; the time of each in seconds."""
    callers = [_ask_one_by_one(load, number, time.perf_counter() + seconds) for number in range(load.callers)]
    return [took_s for times in await asyncio.gather(*callers) for took_s in times]


async def _ask_one_by_one(load: Load, number: int, end_s: float) -> list[float]:
    random = np.random.default_rng(number)
    request = render_post("/score", random.integers(0, 256, 784, np.uint8).tobytes(), _RAW, _JSON)
    address = (f"127.0.0.{number + 2}", 0)
    reader, writer = await asyncio.open_connection(_HOST, load.port, local_addr=address)
    times = []
    try:
        while (began_s := time.perf_counter()) < end_s:
            writer.write(request)
            await read_answer(reader)
            times.append(time.perf_counter() - began_s)
            if load.pause_s:
                await asyncio.sleep(random.exponential(load.pause_s))
    finally:
        writer.close()
    return times


@contextmanager
def bulk_caller(load: Load) -> Iterator[list[float]]:
    """One caller of large requests back to back for as long as the block lasts; the time of each in seconds.

    A thread of its own, which hardly ever holds the interpreter, so that it does not disturb who measures.
    """
    times: list[float] = []
    end = threading.Event()
    with ThreadPoolExecutor(1) as executor:
        work = executor.submit(_ask_in_bulk, load, times, end)
        try:
            yield times
        finally:
            end.set()
    work.result()


def _ask_in_bulk(load: Load, times: list[float], end: threading.Event) -> None:
    images = np.random.default_rng(0).integers(0, 256, _BULK_ROWS * 784, np.uint8).tobytes()
    headers = {"content-type": _RAW, "accept": _NPY, "x-request-timeout": str(_BULK_TIMEOUT_S)}
    source = (_BULK_ADDRESS, 0)
    with closing(HTTPConnection(_HOST, load.port, timeout=2 * _BULK_TIMEOUT_S, source_address=source)) as connection:
        while not end.is_set():
            began_s = time.perf_counter()
            connection.request("POST", f"/{load.bulk}", images, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != HTTPStatus.OK:
                raise UnexpectedAnswerError(f"{answer.status} {answer.reason}")
            times.append(time.perf_counter() - began_s)


def measure(load: Load, rounds: int, seconds: float) -> tuple[Figures, Figures]:
    """Ask for singles alone and beside large requests, in turn; figures without them and with them."""
    alone, beside = Figures(), Figures()
    asyncio.run(ask_singles(load, _WARM_UP_S))
    for _ in range(rounds):
        alone.singles_s += asyncio.run(ask_singles(load, seconds))
        with bulk_caller(load) as bulk_s:
            beside.singles_s += asyncio.run(ask_singles(load, seconds))
        beside.bulk_s += bulk_s
    return alone, beside


def render(alone: Figures, beside: Figures, seconds: float) -> str:
    """A Markdown table of both conditions."""
    lines = ["| | singles/s | p50, ms | p99, ms | longest, ms | bulk rows/s |", "| --- | --- | --- | --- | --- | --- |"]
    for name, figures in (("without bulk", alone), ("with bulk", beside)):
        p50, p99, longest = (figures.find_ms(percentile) for percentile in (50, 99, 100))
        bulk = len(figures.bulk_s) * _BULK_ROWS / seconds
        singles = len(figures.singles_s) / seconds
        lines.append(f"| {name} | {singles:.0f} | {p50:.2f} | {p99:.2f} | {longest:.1f} | {bulk:.0f} |")
    return "\n".join(lines)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fairness", description=__doc__)
    parser.add_argument("--callers", type=int, default=50, help="callers of single images")
    parser.add_argument("--pause-ms", type=float, default=0.0, help="mean time between an answer and the next request")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each condition in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bulk", choices=["score", "reconstruct", "encode"], default="reconstruct")
    parser.add_argument("--bar", type=float, default=3.0, help="most times that the 99th percentile may grow by")
    return parser.parse_args(arguments)


def run(service: RunningService, options: argparse.Namespace) -> float:
    """Measure and print; by how many times the 99th percentile grew."""
    load = Load(urlsplit(service.url).port or 0, options.callers, options.pause_ms / 1e3, options.bulk)
    alone, beside = measure(load, options.rounds, options.seconds)
    print(render(alone, beside, options.rounds * options.seconds))
    return beside.find_ms(99) / alone.find_ms(99)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and hold against the bar."""
    options = _parse(arguments)
    with running_service() as service:
        ratio = run(service, options)
    print(f"p99 with bulk is {ratio:.2f} times that without, the bar is {options.bar:g}")
    sys.exit(ratio > options.bar)


if __name__ == "__main__":
    main()
