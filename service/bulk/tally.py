"""What is said of a part beside its rows, and, added up, of the whole job: counts, and the strangest images."""

from base64 import b64decode, b64encode
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from service.domain import Floats, Images
from service.images import render_png

BINS = 20
"""Bins of the histogram of anomaly scores, equally wide in [0, 1]; a score of 1 is in the last."""

MOST_STRANGE = 16
"""Images that are kept for the summary. Each part keeps as many: they may all be in one."""


@dataclass(frozen=True, slots=True)
class Strange:
    """An image with a high anomaly score.

    Attributes:
        source: Its file or member.
        row: Its index within the file.
        score: Its anomaly score.
        error: Its reconstruction error.
        image: The picture, a PNG.
        reconstruction: What the model makes of it, a PNG.
    """

    source: str
    row: int
    score: float
    error: float
    image: bytes
    reconstruction: bytes


@dataclass(slots=True)
class Tally:
    """Counts over rows.

    Attributes:
        rows: All of them.
        anomalies: Those with a score above the threshold.
        problems: Those without a result, by reason.
        histogram: Of the anomaly scores, BINS counts.
        strangest: The highest scores, highest first.
    """

    rows: int = 0
    anomalies: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    histogram: list[int] = field(default_factory=lambda: [0] * BINS)
    strangest: list[Strange] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Add what was counted elsewhere; the order does not matter."""
        self.rows += other.rows
        self.anomalies += other.anomalies
        self.problems += other.problems
        self.histogram = [mine + theirs for mine, theirs in zip(self.histogram, other.histogram, strict=True)]
        # Equal scores, which a folder of copies has, in an order that does not depend on who was first.
        both = sorted([*self.strangest, *other.strangest], key=lambda each: (-each.score, each.source, each.row))
        self.strangest = both[:MOST_STRANGE]

    def count_problems(self) -> int:
        """Rows without a result."""
        return self.problems.total()


def count_scores(scores: Floats) -> list[int]:
    """A histogram of anomaly scores, (n,) -> BINS counts."""
    return [int(count) for count in np.histogram(scores, BINS, (0, 1))[0]]


def find_high(scores: Floats) -> NDArray[np.intp]:
    """The places of all scores that may be among the MOST_STRANGE highest, (n,) -> at least so many of them."""
    if len(scores) <= MOST_STRANGE:
        return np.arange(len(scores))
    return np.flatnonzero(scores >= np.partition(scores, -MOST_STRANGE)[-MOST_STRANGE])


def find_strangest(
    sources: list[str], rows: list[int], images: Images, reconstructions: Images, scores: Floats, errors: Floats
) -> list[Strange]:
    """The images with the highest scores, highest first; all arguments have a row for each image."""
    order = sorted(range(len(scores)), key=lambda index: (-scores[index], sources[index], rows[index]))[:MOST_STRANGE]
    return [
        Strange(
            sources[index],
            rows[index],
            float(scores[index]),
            float(errors[index]),
            render_png(images[index]),
            render_png(reconstructions[index]),
        )
        for index in order
    ]


def render_tally(tally: Tally) -> bytes:
    """The counts as JSON."""
    fields = asdict(tally)
    fields["strangest"] = [_render_strange(strange) for strange in tally.strangest]
    return orjson.dumps({**fields, "problems": dict(sorted(tally.problems.items()))})


def parse_tally(content: bytes) -> Tally:
    """What `render_tally` made."""
    fields = orjson.loads(content)
    strangest = [_parse_strange(each) for each in fields.pop("strangest")]
    return Tally(**{**fields, "problems": Counter(fields["problems"]), "strangest": strangest})


def _render_strange(strange: Strange) -> dict[str, Any]:
    pictures = {name: b64encode(getattr(strange, name)).decode() for name in ("image", "reconstruction")}
    return {**asdict(strange), **pictures}


def _parse_strange(fields: dict[str, Any]) -> Strange:
    return Strange(**{**fields, **{name: b64decode(fields[name]) for name in ("image", "reconstruction")}})
