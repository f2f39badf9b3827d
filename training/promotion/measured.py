"""The figures of two versions, measured alike: here from their model cards, in `measure` anew; judges nothing."""

from pathlib import Path
from typing import NamedTuple

from training.config import TEST_SHARE, PreprocessName
from training.errors import EvaluationError
from training.evaluation.figures import flatten_metrics
from training.promotion.versions import Version

_MOST_NAMED = 3


class Source(NamedTuple):
    """What both versions are measured on anew.

    Attributes:
        data: See `training.data.load.load_data`.
        fashion: See `training.data.load.load_fashion`; None to leave that set out.
        preprocess: How image files become 28x28; see `training.data.load.load_data`.
        split: Share of the images that are measured on, where the source has no test part of its own.
    """

    data: str
    fashion: Path | None = None
    preprocess: PreprocessName = "auto"
    split: float = TEST_SHARE


class Measured(NamedTuple):
    """The figures of two versions, measured alike.

    Attributes:
        where: Where they come from, for people.
        data_sha256: The digits that they were measured on.
        test_images: How many of those, >= 1.
        a: Figures of the first version, by dotted name.
        b: Figures of the second version.
    """

    where: str
    data_sha256: str
    test_images: int
    a: dict[str, float]
    b: dict[str, float]


def take_from_cards(a: Version, b: Version) -> Measured:
    """The figures of two model cards.

    Raises:
        EvaluationError: If they were measured on other digits, or do not hold the same figures.
    """
    if a.data_sha256 != b.data_sha256:
        raise _refuse(f"{a.directory} was measured on {a.data_label}, {b.directory} on {b.data_label}")
    figures_a, figures_b = (dict(flatten_metrics(version.metrics)) for version in (a, b))
    _check_alone(a, figures_a.keys() - figures_b.keys())
    _check_alone(b, figures_b.keys() - figures_a.keys())
    if not figures_a:
        raise _refuse("the model cards hold no figures")
    return Measured(f"the model cards, measured on {a.data_name}", a.data_sha256, a.test_images, figures_a, figures_b)


def _check_alone(version: Version, alone: set[str]) -> None:
    if not alone:
        return
    named = ", ".join(sorted(alone)[:_MOST_NAMED])
    more = f" and {len(alone) - _MOST_NAMED} more" if len(alone) > _MOST_NAMED else ""
    raise _refuse(f"only the model card of {version.directory} has {named}{more}")


def _refuse(reason: str) -> EvaluationError:
    return EvaluationError(f"{reason}; measure both on the same digits with --data")
