"""Rows of the input and answers -> rows of the output, in the order of the input."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.cli.engines import Answer, Engine, Operation
from service.cli.inputs import InputFile
from service.cli.reading import Item
from service.client.answers import Codes, Pictures, Reconstructions, Scores
from service.domain import Floats, Images, Rows


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the output: what was answered, or a reason and a problem; what was not asked for is None.

    Attributes:
        file: Where it comes from.
        row: Its index within the file.
        version: The version that answered.
        image: What came, uint8 (28, 28).
        code: float32 (code_dim,).
        picture: The cleaned or decoded image, uint8 (28, 28).
        error: Reconstruction error.
        anomaly_score: In [0, 1].
        anomaly: Whether that is above the threshold.
        note: What no digit looks like, in a word, or empty.
        reason: Why there is no answer, in a word, or empty.
        problem: The same as a sentence.
    """

    file: InputFile
    row: int
    version: int | None = None
    image: Images | None = None
    code: Floats | None = None
    picture: Images | None = None
    error: np.float32 | None = None
    anomaly_score: np.float32 | None = None
    anomaly: bool | None = None
    note: str = ""
    reason: str = ""
    problem: str = ""


def answer_images(
    items: Iterable[Item], engine: Engine, operation: Operation, threshold: float, batch_rows: int
) -> Generator[Row, None, None]:
    """The answers to images; no more of them are read ahead than are under way.

    Raises:
        CliError: If the service or the model fails.
    """
    waiting: deque[Item] = deque()
    for answer in engine.ask(operation, _batch(_note(items, waiting), batch_rows), threshold):
        for index in range(len(answer)):
            yield from _take_refused(waiting)
            item = waiting.popleft()
            yield Row(item.file, item.row, image=item.image, note=item.note, **take_values(answer, index))
    yield from _take_refused(waiting)


def take_values(answer: Answer, index: int) -> dict[str, Any]:
    """The fields of a row that an answer fills."""
    values: dict[str, Any] = {"version": answer.model.version}
    if isinstance(answer, Codes):
        values["code"] = answer.codes[index]
    if isinstance(answer, Pictures):
        values["picture"] = answer.images[index]
    if isinstance(answer, Reconstructions):
        values["picture"] = answer.reconstructions[index]
    if isinstance(answer, Scores):
        values["error"] = answer.errors[index]
        values["anomaly_score"] = answer.anomaly_scores[index]
        values["anomaly"] = bool(answer.anomalies[index])
    return values


def watch(rows: Iterable[Row], advance: Callable[[int], object]) -> Iterator[Row]:
    """Pass rows on, and tell a progress bar of each."""
    for row in rows:
        advance(1)
        yield row


def _note(items: Iterable[Item], waiting: deque[Item]) -> Iterator[Images]:
    """The images that can be asked for; all items wait for their turn."""
    for item in items:
        waiting.append(item)
        if item.image is not None:
            yield item.image


def _batch(images: Iterable[Images], batch_rows: int) -> Iterator[Rows]:
    held: list[Images] = []
    for image in images:
        held.append(image)
        if len(held) == batch_rows:
            yield np.stack(held)
            held = []
    if held:
        yield np.stack(held)


def _take_refused(waiting: deque[Item]) -> Iterator[Row]:
    while waiting and waiting[0].image is None:
        item = waiting.popleft()
        yield Row(item.file, item.row, reason=item.reason, problem=item.problem)
