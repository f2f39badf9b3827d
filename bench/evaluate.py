"""Sends all test digits through a running service and holds the figures against the bars and the model card.

`python -m bench.evaluate --data DIR [--fashion DIR] [--server URL]`; ends with status 1 if a bar is missed, a figure
differs from the card, or single images are answered otherwise than in bulk; with status 2 if nothing can be measured.
"""

import argparse
import base64
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
from PIL import Image

from bench.running import ServiceFailedError, running_service
from training.data.load import DigitData, load_data, load_fashion
from training.errors import TrainerError
from training.evaluation.figures import Floats, Images, Metrics, Reconstruction, flatten_metrics, split_rows
from training.quiet import load_tensorflow

_NPY, _PNG, _JSON = "application/x-npy", "image/png", "application/json"
# Half of what the service takes in one request.
_REQUEST_ROWS = 2000
_SINGLES = 1000
_TIMEOUT_S = 60
_FAILED = 2


class NothingServedError(Exception):
    """The service has no version that answers."""


class Bar(NamedTuple):
    """What a figure must reach: at least `low` and at most `high`."""

    figure: str
    low: float = float("-inf")
    high: float = float("inf")

    def holds(self, value: float) -> bool:
        """True where the value is within."""
        return self.low <= value <= self.high

    def describe(self) -> str:
        """The bar in words of the table."""
        bounds = [("<=", self.high), (">=", self.low)]
        return ", ".join(f"{sign} {bound:g}" for sign, bound in bounds if np.isfinite(bound))


# What the default model promises.
BARS = (
    Bar("clean.mse", high=0.0040),
    Bar("denoising.gaussian_25.psnr_db", low=23.0),
    Bar("denoising.gaussian_50.psnr_db", low=19.8),
    Bar("denoising.salt_and_pepper_20.psnr_db", low=21.3),
    Bar("denoising.dropped_cells_25.psnr_db", low=21.2),
    Bar("auroc_by_score.fashion", low=0.999),
    Bar("auroc_by_score.blank", low=0.995),
    Bar("auroc_by_score.half_erased", low=0.995),
    Bar("auroc_by_score.rotated_no_018", low=0.985),
    Bar("auroc_by_score.flipped", low=0.96),
    Bar("auroc_by_score.mean", low=0.990),
    Bar("auroc_by_error.overlaid", low=0.96),
    Bar("false_alarm_rate.at_99", low=0.006, high=0.014),
    Bar("false_alarm_rate.at_95", low=0.04, high=0.06),
    Bar("knn_accuracy", low=0.980),
)


class HttpCodec:
    """A codec behind the HTTP door; see `training.evaluation.figures.Codec`."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def encode(self, images: Images) -> Floats:
        """Codes of any number of images, sent as npy."""
        return np.concatenate([self.encode_body(to_npy(part), _NPY) for part in split_rows(images, _REQUEST_ROWS)])

    def reconstruct(self, images: Images) -> Reconstruction:
        """Reconstructions of any number of images, sent as npy."""
        parts = [self.reconstruct_body(to_npy(part), _NPY) for part in split_rows(images, _REQUEST_ROWS)]
        return Reconstruction(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))

    def encode_body(self, body: bytes, media_type: str) -> Floats:
        """Codes of the images in one body."""
        answer = self._post("/encode", body, media_type, _NPY)
        return np.asarray(np.load(io.BytesIO(answer.content), allow_pickle=False), np.float32)

    def reconstruct_body(self, body: bytes, media_type: str) -> Reconstruction:
        """Reconstructions of the images in one body."""
        answer = self._post("/reconstruct", body, media_type, _JSON).json()
        pictures = [np.asarray(Image.open(io.BytesIO(base64.b64decode(png)))) for png in answer["reconstructions"]]
        return Reconstruction(
            np.stack(pictures),
            np.array(answer["errors"], np.float32),
            np.array(answer["anomaly_scores"], np.float32),
        )

    def find_card(self) -> dict[str, Any]:
        """Name, version and model card of the newest version that answers; the card may be None.

        Raises:
            NothingServedError: If there is none.
        """
        model = self._client.get("/models/digits").raise_for_status().json()
        serving = next((version for version in model["versions"] if version["state"] == "AVAILABLE"), None)
        if serving is None:
            states = [f"{version['version']} is {version['state']}" for version in model["versions"]]
            raise NothingServedError(f"no version of digits is AVAILABLE: {', '.join(states) or 'there is none'}")
        return {"name": model["name"], "version": serving["version"], "card": serving["model_card"]}

    def _post(self, path: str, body: bytes, media_type: str, accept: str) -> httpx.Response:
        answer = self._client.post(path, content=body, headers={"Content-Type": media_type, "Accept": accept})
        return answer.raise_for_status()


def to_npy(images: Images) -> bytes:
    """Images as an npy file."""
    file = io.BytesIO()
    np.save(file, images, allow_pickle=False)
    return file.getvalue()


def to_png(image: Images) -> bytes:
    """One image, uint8 (28, 28), as a grey PNG."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def find_single_differences(codec: HttpCodec, images: Images) -> Iterator[str]:
    """Send images one by one as PNGs and name each whose answer is not exactly the one it gets in bulk."""
    codes, bulk = codec.encode(images), codec.reconstruct(images)
    for place, image in enumerate(images):
        body = to_png(image)
        single = {"codes": codec.encode_body(body, _PNG), **codec.reconstruct_body(body, _PNG)._asdict()}
        together = {"codes": codes, **bulk._asdict()}
        for name, answer in single.items():
            if not np.array_equal(together[name][place : place + 1], answer):
                yield f"image {place}: {name} of the PNG differ from those of the npy body"


def find_card_differences(metrics: Metrics, card_metrics: Metrics) -> Iterator[str]:
    """Name each figure that the card holds otherwise than it was measured now."""
    measured = dict(flatten_metrics(metrics))
    for name, promised in flatten_metrics(card_metrics):
        if _is_mean(name) and metrics["left_out"] != card_metrics.get("left_out"):
            continue  # means over different sets cannot be compared
        if name in measured and abs(measured[name] - promised) > _tolerance(name, promised):
            yield f"{name}: measured {measured[name]:.6f}, the card says {promised:.6f}"


def _tolerance(name: str, figure: float) -> float:
    """Last bits differ between a live and a loaded model: a few rounded pixels, ranks and neighbours move."""
    is_error = name.endswith(".mse") or name.startswith("mse_by_digit.")
    return 1e-5 if is_error else 1e-3 * max(abs(figure), 0.2)


def _is_mean(name: str) -> bool:
    return name.endswith(".mean")


def find_judged(metrics: Metrics) -> dict[str, float]:
    """The figures that have a bar and were measured; a mean only if it is over all sets, for which its bar is."""
    bars = {bar.figure for bar in BARS}
    return {
        name: value
        for name, value in flatten_metrics(metrics)
        if name in bars and not (_is_mean(name) and metrics["left_out"])
    }


def render_table(metrics: Metrics, card_metrics: Metrics | None) -> str:
    """Every figure, what the card says of it, and its bar with ok or MISSED."""
    judged = find_judged(metrics)
    bars = {bar.figure: bar for bar in BARS if bar.figure in judged}
    promised = dict(flatten_metrics(card_metrics or {}))
    rows = [("figure", "measured", "card", "bar", "")]
    for name, value in flatten_metrics(metrics):
        bar = bars.get(name)
        verdict = "" if bar is None else "ok" if bar.holds(value) else "MISSED"
        on_card = f"{promised[name]:.5f}" if name in promised else "-"
        rows.append((name, f"{value:.5f}", on_card, bar.describe() if bar else "", verdict))
    rows += [(name, "-", "-", f"left out: {reason}", "") for name, reason in metrics["left_out"].items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def find_missed_bars(metrics: Metrics) -> Iterator[str]:
    """Name each bar that was measured and missed."""
    judged = find_judged(metrics)
    for bar in BARS:
        if bar.figure in judged and not bar.holds(judged[bar.figure]):
            yield f"{bar.figure} is {judged[bar.figure]:.5f}, the bar is {bar.describe()}"


def render_bars(metrics: Metrics) -> str:
    """How many bars could be checked at all, and which could not."""
    judged = find_judged(metrics)
    unmeasured = [bar.figure for bar in BARS if bar.figure not in judged]
    checked = f"{len(BARS) - len(unmeasured)} of {len(BARS)} bars checked"
    return f"{checked}; not measured: {', '.join(unmeasured)}" if unmeasured else checked


def is_same_data(card: dict[str, Any], data: DigitData) -> bool:
    """True where the card's figures are of these digits; of others they cannot be compared."""
    return bool(card.get("data", {}).get("sha256") == data.sha256)


@contextmanager
def open_service(url: str | None) -> Iterator[str]:
    """The URL given, or that of a service of our own, which ends with the block."""
    if url is not None:
        yield url
        return
    with running_service() as service:
        yield service.url


def build_parser() -> argparse.ArgumentParser:
    """The flags."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluate", description=__doc__)
    parser.add_argument("--data", required=True, help="test digits, as for `python -m training fit`")
    parser.add_argument("--fashion", type=Path, help="pictures of clothes: an IDX file or its folder")
    parser.add_argument("--server", metavar="URL", help="a running service; without it one is started")
    return parser


def measure_service(url: str, data: DigitData, fashion: Images | None) -> list[str]:
    """Measure what the service at `url` serves and print it; returns every fault in words.

    Raises:
        NothingServedError: If no version answers.
        httpx.HTTPError: If the service cannot be reached or refuses.
    """
    from training.evaluation.evaluate import evaluate  # TensorFlow, which the caller has silenced

    with httpx.Client(base_url=url, timeout=_TIMEOUT_S) as client:
        codec = HttpCodec(client)
        served = codec.find_card()
        metrics = evaluate(codec, data, fashion)
        card = served["card"]
        comparable = card is not None and is_same_data(card, data)
        print(f"{served['name']} version {served['version']}: {len(data.test_images)} test digits through {url}")
        print(render_table(metrics, card["metrics"] if comparable else None))
        print(render_bars(metrics))
        faults = list(find_missed_bars(metrics))
        if card is None:
            faults.append("the served version has no model card")
        elif comparable:
            faults += find_card_differences(metrics, card["metrics"])
        else:
            print("the card was not compared: its figures are of other data")
        faults += find_single_differences(codec, data.test_images[:_SINGLES])
    singles = min(_SINGLES, len(data.test_images))
    agrees = "the card agrees; " if comparable else ""
    print("\n".join(faults) or f"what was checked holds; {agrees}{singles} single PNGs answered exactly as in bulk")
    return faults


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge; returns the exit status."""
    options = build_parser().parse_args(arguments)
    try:
        data = load_data(options.data)
        fashion = load_fashion(options.fashion) if options.fashion else None
        load_tensorflow()
        with open_service(options.server) as url:
            return 1 if measure_service(url, data, fashion) else 0
    except (TrainerError, NothingServedError, ServiceFailedError, httpx.HTTPError, httpx.InvalidURL) as error:
        print(f"error: {_describe(error)}", file=sys.stderr)
        return _FAILED


def _describe(error: Exception) -> str:
    """One line: what happened and, of a service that failed, the last it wrote; httpx adds a link to a manual."""
    first, *rest = str(error).splitlines() or [type(error).__name__]
    where = f"{error.request.method} {error.request.url}: " if isinstance(error, httpx.RequestError) else ""
    return f"{where}{first}{' ' + rest[-1] if rest and isinstance(error, ServiceFailedError) else ''}"


if __name__ == "__main__":
    sys.exit(main())
