"""Draws the pictures of docs/how-it-works.md: `python -m docs.how_pictures --data DIR`, with MNIST's four files in it.

Digits and scores are answers of a running service with the default model; the batches are those of the service's own
batcher, before a backend that takes a tenth of a second for anything.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.running import running_service
from docs.playground_samples import draw_playground_samples
from docs.samples import add_noise
from docs.tutorial.sheets import draw_sheet
from service.backends.base import Backend
from service.batching import Batcher, BatchLimits
from service.client import Client
from service.domain import Answer, Call, Deadline, Origin, Rows
from training.data.load import load_data
from training.study.pictures import draw

FOLDER = Path(__file__).with_name("images")

_SIGMAS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_SHARES = np.linspace(0, 1, 10, dtype=np.float32)[:, np.newaxis]
_BINS = 20
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#57606a"
_CALL_S = 0.1
_ARRIVALS_S = (0, 0.02, 0.04, 0.05, 0.08, 0.13, 0.14, 0.15, 0.16, 0.17, 0.18, 0.19, 0.27, 0.45)


def draw_noise(client: Client) -> bytes:
    """A digit under more and more noise, and what comes back."""
    three = draw_playground_samples()["three"]
    noisy = np.stack([add_noise(three, sigma=sigma, seed=5) for sigma in _SIGMAS])
    return draw_sheet([("noise from 0 to 0.9", noisy), ("reconstruction", client.reconstruct(noisy).reconstructions)])


def draw_between(client: Client) -> bytes:
    """What the decoder draws on the straight way from the code of one digit to that of another."""
    samples = draw_playground_samples()
    rows = []
    for start, end in (("seven", "nine"), ("three", "eight"), ("one", "four")):
        codes = client.encode(np.stack([samples[start], samples[end]])).codes
        way = codes[0] + (codes[1] - codes[0]) * _SHARES
        rows.append((f"from {start} to {end}", client.decode(way.astype(np.float32)).images))
    return draw_sheet(rows)


def draw_scores(client: Client, source: str) -> bytes:
    """How the scores of digits that the model never saw are spread, and those of their upper halves."""
    digits = load_data(source).test_images
    halves = digits.copy()
    halves[:, 14:] = 0
    scores = [client.score(images).anomaly_scores for images in (digits, halves)]
    return draw((7.4, 2.9), lambda figure: _paint_scores(figure, scores))


def _paint_scores(figure: Figure, scores: Sequence[NDArray[np.float32]]) -> None:
    for axes, values, colour, title in zip(
        figure.subplots(1, 2), scores, (_BLUE, _ORANGE), ("test digits", "the same, lower half erased"), strict=True
    ):
        axes.hist(
            values, bins=_BINS, range=(0, 1), color=colour, rwidth=0.9, weights=np.full(len(values), 100 / len(values))
        )
        axes.set_title(f"{title}: {100 * (values > 0.99).mean():.1f} % above 0.99")
        axes.set_xlabel("anomaly score")
        axes.axhline(100 / _BINS, color=_GREY, linestyle="--", linewidth=0.8)
    figure.axes[0].set_ylabel("% of the images")


class _TimedBackend:
    """Takes a tenth of a second for any batch, and notes when each began and ended, and its rows."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, float, int]] = []

    async def run(self, _call: Call, rows: Rows, _deadline: Deadline, _origins: Sequence[Origin] = ()) -> Answer:
        """Sleep as a model works."""
        begun = time.monotonic()
        await asyncio.sleep(_CALL_S)
        self.calls.append((begun, time.monotonic(), len(rows)))
        return Answer(1, {"codes": np.zeros((len(rows), 32), np.float32)})


async def _run_requests() -> tuple[list[tuple[float, float]], list[tuple[float, float, int]]]:
    """Arrival and answer of each request, and the calls of the backend; seconds after the first."""
    backend = _TimedBackend()
    limits = BatchLimits(max_batch_rows=64, max_batches=1, max_queue_rows=4096)
    batcher = Batcher(cast("Backend", backend), limits)  # a batcher asks of it nothing but to run
    start = time.monotonic()

    async def ask(at_s: float) -> tuple[float, float]:
        await asyncio.sleep(at_s)
        arrived = time.monotonic()
        await batcher.submit(Call("encode", ("codes",)), np.zeros((1, 28, 28), np.uint8), Deadline(start + 60))
        return arrived - start, time.monotonic() - start

    requests = await asyncio.gather(*map(ask, _ARRIVALS_S))
    return list(requests), [(begun - start, ended - start, rows) for begun, ended, rows in backend.calls]


def draw_batches() -> bytes:
    """Requests as lines from arrival to answer, and the calls that answered them."""
    requests, calls = asyncio.run(_run_requests())

    def paint(figure: Figure) -> None:
        _paint_batches(figure.subplots(1, 1, squeeze=False)[0, 0], requests, calls)

    return draw((7.4, 3.2), paint)


def _paint_batches(axes: Axes, requests: list[tuple[float, float]], calls: list[tuple[float, float, int]]) -> None:
    for place, (arrived, answered) in enumerate(requests):
        axes.plot([1000 * arrived, 1000 * answered], [place, place], color=_BLUE, linewidth=1)
        axes.plot([1000 * arrived], [place], "o", color=_BLUE, markersize=4)
    for begun, ended, rows in calls:
        axes.axvspan(1000 * begun, 1000 * ended, color=_ORANGE, alpha=0.16, linewidth=0)
        axes.axvline(1000 * begun, color=_ORANGE, linewidth=0.8)
        word = "image" if rows == 1 else "images"
        axes.text(500 * (begun + ended), len(requests) + 0.3, f"{rows} {word}", ha="center", color=_ORANGE)
    axes.set_ylim(-1, len(requests) + 1.6)
    axes.set_xlabel("milliseconds")
    axes.set_ylabel("requests")
    axes.set_yticks([])


def main() -> int:
    """Draw all four."""
    parser = argparse.ArgumentParser(prog="python -m docs.how_pictures", description=__doc__)
    parser.add_argument("--data", required=True, help="folder with MNIST's files, or `digits`")
    parser.add_argument("--pictures", type=Path, default=FOLDER, help="(default: %(default)s)")
    options = parser.parse_args()
    options.pictures.mkdir(parents=True, exist_ok=True)
    with running_service() as service, Client(service.url) as client:
        pictures = {
            "noise": draw_noise(client),
            "between": draw_between(client),
            "score": draw_scores(client, options.data),
            "batches": draw_batches(),
        }
    for name, picture in pictures.items():
        (options.pictures / f"how-{name}.png").write_bytes(picture)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
