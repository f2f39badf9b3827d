"""The full evaluation: the figures of a model card, and all that a report is made of beside them."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from training.errors import EvaluationError
from training.evaluation.anomalies import measure_calibration, measure_set
from training.evaluation.answers import Observed, choose_examples, observe
from training.evaluation.denoising_table import build_denoising_table
from training.evaluation.evaluate import measure_card
from training.evaluation.evaluated import Evaluated
from training.evaluation.figures import Codec, Images, Metrics, round_figures
from training.evaluation.given_sets import GivenSets
from training.evaluation.more_strange_sets import build_more_strange_sets
from training.evaluation.strange_sets import StrangeSets, build_strange_sets

if TYPE_CHECKING:
    from training.data.load import DigitData

_LOG = logging.getLogger(__name__)


def evaluate_fully(
    codec: Codec, data: "DigitData", given: GivenSets, calibration_size: int | None = None, seed: int = 0
) -> Evaluated:
    """Measure everything, and keep the answers that pictures need.

    Args:
        codec: What is measured.
        data: Test digits, and training digits to compare them with and to tune the classical methods on.
        given: Strange sets that the user brought along.
        calibration_size: How many images calibrated the codec's scores, >= 1; None if nobody knows.
        seed: Seed of the noises and the strange sets; with equal ones the card's figures come out as `evaluate` gives
            them.

    Raises:
        EvaluationError: If a given set is called like a built-in one.
    """
    ten = build_strange_sets(data.test_images, data.test_labels, given.fashion, seed)
    more = build_more_strange_sets(data.test_images, seed)
    _check_names(given.others, ten, more)
    with _timed("asking the model"):
        observed = observe(codec, data.test_images, {**ten.images, **more, **given.others}, seed)
    with _timed("measuring"):
        of_ten = observed._replace(strange={name: observed.strange[name] for name in ten.images})
        metrics = measure_card(codec, data, of_ten)
        groups = {"ten": ten.images, "more": more, "given": given.others}
        metrics["anomalies"] = {kind: _measure_sets(observed, names) for kind, names in groups.items()}
        metrics["calibration"] = measure_calibration(observed.test.anomaly_scores, calibration_size)
    with _timed("classical methods"):
        metrics["denoising_table"] = build_denoising_table(observed.denoised, data.train_images, data.test_images, seed)
    rows = choose_examples(data.test_labels, len(data.test_images))
    return Evaluated(
        metrics=round_figures(metrics) | {"left_out": ten.left_out},
        test=observed.test,
        strange=observed.strange,
        noises={name: answer.pick_examples(data.test_images, rows) for name, answer in observed.denoised.items()},
    )


def _check_names(given: Mapping[str, Images], ten: StrangeSets, more: Mapping[str, Images]) -> None:
    taken = sorted(given.keys() & {*ten.images, *ten.left_out, *more})
    if taken:
        raise EvaluationError(f"a built-in set is called {taken[0]} too; rename the folder or file that was given")


def _measure_sets(observed: Observed, names: Mapping[str, Images]) -> Metrics:
    return {name: measure_set(observed.test, observed.strange[name]) for name in names}


@contextmanager
def _timed(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    _LOG.info("%s took %.0f s", what, time.monotonic() - started)
