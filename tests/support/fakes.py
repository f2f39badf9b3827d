"""A backend without TensorFlow whose numbers tell each image from every other, and one that waits to be let go."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from service.domain import (
    Answer,
    Call,
    Codes,
    Deadline,
    Floats,
    Images,
    Origin,
    Rows,
    Selector,
    VersionStatus,
)
from service.errors import InvalidCodeError, NotFoundError, NotReadyError

CODE_DIM = 4
NO_VERSION = "no version can answer yet"
"""What the fake says while it is not ready."""

_IMAGES = {"dtype": "uint8", "shape": [-1, 28, 28]}
_CODES = {"dtype": "float32", "shape": [-1, CODE_DIM]}
_ROW_FLOATS = {"dtype": "float32", "shape": [-1]}

FAKE_SIGNATURES: dict[str, Any] = {
    "encode": {"inputs": {"images": _IMAGES}, "outputs": {"codes": _CODES}},
    "decode": {"inputs": {"codes": _CODES}, "outputs": {"images": _IMAGES}},
    "reconstruct": {
        "inputs": {"images": _IMAGES},
        "outputs": {
            "reconstructions": _IMAGES,
            "codes": _CODES,
            "errors": _ROW_FLOATS,
            "anomaly_scores": _ROW_FLOATS,
        },
    },
}
"""The signatures of the fake model, as backends describe them."""

# Fixed positive weights: two images that differ anywhere have different codes.
_WEIGHTS = np.random.default_rng(7).uniform(0.5, 1.5, (784, CODE_DIM)) / 784


def fake_codes(images: Images) -> Codes:
    """The fake encoder: uint8 (n, 28, 28) -> float32 (n, 4)."""
    pixels = images.reshape(len(images), -1).astype(np.float64) / 255
    # Not a matrix product: those round differently for each number of rows.
    codes: Codes = np.einsum("np,pk->nk", pixels, _WEIGHTS, optimize=False).astype(np.float32)
    return codes


def fake_pictures(codes: Codes) -> Images:
    """The fake decoder: float32 (n, 4) -> uint8 (n, 28, 28), four vertical bars as bright as the code's values."""
    bars = np.repeat(np.clip(np.abs(codes) * 100, 0, 255).astype(np.uint8), 7, axis=1)
    pictures: Images = np.repeat(bars[:, np.newaxis, :], 28, axis=1)
    return pictures


def fake_errors(images: Images) -> Floats:
    """The fake reconstruction error of each image, (n,), >= 0."""
    errors: Floats = fake_codes(images)[:, 0]
    return errors


def fake_scores(images: Images) -> Floats:
    """The fake anomaly score of each image, (n,) in [0, 1): bright ones are strange."""
    scores: Floats = np.minimum(fake_codes(images)[:, 1] * np.float32(0.6), np.float32(0.999))
    return scores


def fake_reconstructions(images: Images) -> Images:
    """The fake cleaned picture: the image turned by 180 degrees."""
    return np.ascontiguousarray(images[:, ::-1, ::-1])


def count_images(n: int) -> Images:
    """`n` images that are all different, uint8 (n, 28, 28)."""
    images = np.zeros((n, 28, 28), np.uint8)
    images[:, 10, 10] = np.arange(n) % 256
    images[:, 11, 11] = np.arange(n) // 256
    images[:, 14:20, 14] = 200
    return images


class FakeBackend:
    """Answers at once, with numbers that depend on each image alone; has one version until told otherwise.

    Attributes:
        versions: Numbers of the versions that answer; empty means that it still loads.
        labels: Version by label.
        batches: Every call and its rows so far, in order of arrival.
        origins: Where the requests of each batch came from.
        failure: Raised once instead of an answer, then forgotten.
    """

    def __init__(self, *versions: int, labels: dict[str, int] | None = None) -> None:
        self.versions = list(versions or (1,))
        self.labels = labels or {}
        self.batches: list[tuple[Call, Rows]] = []
        self.origins: list[Sequence[Origin]] = []
        self.failure: Exception | None = None
        self.is_closed = False

    @property
    def batch_sizes(self) -> list[int]:
        """Rows of each batch, in order."""
        return [len(rows) for _, rows in self.batches]

    async def start(self) -> None:
        """Nothing to load."""

    async def close(self) -> None:
        """Answer nothing more."""
        self.is_closed = True

    def is_ready(self) -> bool:
        """True while there is a version and nobody closed it."""
        return bool(self.versions) and not self.is_closed

    def explain(self) -> str:
        """Why `is_ready` is false."""
        return "" if self.is_ready() else NO_VERSION

    def describe(self) -> list[VersionStatus]:
        """Every version, newest first."""
        return [self._describe(version) for version in sorted(self.versions, reverse=True)]

    async def run(self, call: Call, rows: Rows, deadline: Deadline, origins: Sequence[Origin] = ()) -> Answer:
        """Compute the wanted outputs of one batch."""
        version = self._find_version(call.selector)
        self.batches.append((call, rows))
        self.origins.append(origins)
        await self._wait()
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        outputs = _decode(rows) if call.signature == "decode" else _look_at(rows)
        return Answer(version, {name: outputs[name] for name in call.outputs})

    async def _wait(self) -> None:
        """Take no time; a subclass may take some."""

    def _find_version(self, selector: Selector) -> int:
        if not self.is_ready():
            raise NotReadyError(NO_VERSION)
        if selector.label is not None and selector.label not in self.labels:
            raise NotFoundError(f"there is no label {selector.label!r}")
        version = selector.version or self.labels.get(selector.label or "", max(self.versions))
        if version not in self.versions:
            raise NotFoundError(f"there is no version {version}")
        return version

    def _describe(self, version: int) -> VersionStatus:
        labels = tuple(label for label, number in self.labels.items() if number == version)
        return VersionStatus(
            version, "AVAILABLE", code_dim=CODE_DIM, labels=labels, signatures=FAKE_SIGNATURES, card={"recipe": "fake"}
        )


def _decode(codes: Codes) -> dict[str, Rows]:
    if codes.shape[1:] != (CODE_DIM,):
        raise InvalidCodeError(f"codes of shape {codes.shape} came, expected (n, {CODE_DIM})")
    return {"images": fake_pictures(codes)}


def _look_at(images: Images) -> dict[str, Rows]:
    return {
        "codes": fake_codes(images),
        "reconstructions": fake_reconstructions(images),
        "errors": fake_errors(images),
        "anomaly_scores": fake_scores(images),
    }


class HeldBackend(FakeBackend):
    """Answers only while its gate is open; it is closed at first.

    Attributes:
        gate: Set it to let every waiting and later call go on.
        entered: Set as soon as a call waits at the gate.
        cancelled: Calls that were cancelled at the gate.
    """

    def __init__(self, *versions: int, labels: dict[str, int] | None = None) -> None:
        super().__init__(*versions, labels=labels)
        self.gate = asyncio.Event()
        self.entered = asyncio.Event()
        self.cancelled = 0

    async def wait_for_batches(self, count: int) -> None:
        """Return once `count` batches have arrived."""
        while len(self.batches) < count:
            self.entered.clear()
            await self.entered.wait()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep the gate closed inside the block, and open it at its end."""
        self.gate.clear()
        try:
            yield
        finally:
            self.gate.set()

    async def _wait(self) -> None:
        self.entered.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
