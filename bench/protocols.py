"""What each door costs: `python -m bench.protocols` asks one gateway for the same codes through all of them.

The doors take turns within each round, on one machine with their client, so only the ratios carry over.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.doors import DoorClient, open_doors
from bench.relay import counting_relay
from bench.running import RunningService, running_service
from service.domain import Images

_ROUNDS = 300
_BULK_ROUNDS = 12
_BULK_ROWS = 256
_BASE = "HTTP"


def measure(service: RunningService, images: Images) -> dict[str, list[float]]:
    """For each door: ms for one image, ms for 256, and bytes per image up and down in a request of 256."""
    bulk = np.resize(images, (_BULK_ROWS, 28, 28))
    with open_doors(service) as doors:
        single_ms = _time_all(doors, images[:1], _ROUNDS)
        bulk_ms = _time_all(doors, bulk, _BULK_ROUNDS)
    return {name: [single_ms[name], bulk_ms[name], *_count_bytes(service, name, bulk)] for name in single_ms}


def _time_all(doors: dict[str, DoorClient], images: Images, rounds: int) -> dict[str, float]:
    """Median ms of `encode` by door."""
    times: dict[str, list[float]] = {name: [] for name in doors}
    for _ in range(rounds):
        for name, door in doors.items():
            began_s = time.perf_counter()
            door.encode(images)
            times[name].append(time.perf_counter() - began_s)
    return {name: statistics.median(seconds) * 1e3 for name, seconds in times.items()}


def _count_bytes(service: RunningService, door: str, images: Images) -> tuple[float, float]:
    """Bytes per image on the wire, to the gateway and back; the connection's own beginning not counted."""
    http, scheme = service.url.removeprefix("http://"), "http://"
    with counting_relay(http) as (url, http_traffic), counting_relay(service.grpc) as (address, grpc_traffic):
        relayed = replace(service, url=scheme + url, grpc=address)
        with open_doors(relayed) as doors:
            doors[door].encode(images)
            http_traffic.reset()
            grpc_traffic.reset()
            doors[door].encode(images)
    rows = len(images)
    return (http_traffic.sent + grpc_traffic.sent) / rows, (http_traffic.received + grpc_traffic.received) / rows


def render(figures: dict[str, list[float]]) -> str:
    """A Markdown table of the figures, with ratios to our own HTTP."""
    base = figures[_BASE]
    lines = [
        f"| door | 1 image, ms | ratio | {_BULK_ROWS} images, ms | ratio | bytes up | bytes down |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, (single_ms, bulk_ms, sent, received) in figures.items():
        lines.append(
            f"| {name} | {single_ms:.2f} | {single_ms / base[0]:.2f} | {bulk_ms:.1f} | {bulk_ms / base[1]:.2f} "
            f"| {sent:.0f} | {received:.0f} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.protocols", description=__doc__)
    parser.add_argument("--data", default="digits", help="as for `python -m training fit`; its test digits are sent")
    options = parser.parse_args(arguments)
    from training.data.load import load_data

    images = load_data(options.data).test_images
    with running_service() as service:
        print(render(measure(service, images)))


if __name__ == "__main__":
    main()
