"""The whole study: train every recipe, measure, write the page; what was finished before is not done again."""

import logging
from collections.abc import Callable

from training.data.load import DigitData, load_data
from training.errors import FitStoppedError, TrainerError, TrainingError
from training.fit.progress import format_duration
from training.report.write import replace_file
from training.study.config import DYING_CODE, ONE_CLASS, StudyConfig
from training.study.dying import measure_dying, read_dying
from training.study.findings import Findings
from training.study.floor import measure_floor
from training.study.notes import Notes
from training.study.one_class import measure_one_class, read_one_class
from training.study.page import render_page
from training.study.pictures import write_pictures
from training.study.trainings import read_outcome, train_recipes

_LOG = logging.getLogger(__name__)
# Below the models: no name of a recipe.
_NOTES = "measured"


def run_study(config: StudyConfig) -> None:
    """Train, measure, and write the page with its pictures.

    Raises:
        DataError: If there are no digits to train on.
        FitStoppedError: If Ctrl-C or SIGTERM stopped a fit; the same study goes on with it.
        TrainingError: If a wanted recipe or part failed; the page is written all the same and says which.
    """
    data, notes = load_data(config.data), Notes(config.models_root / _NOTES)
    train_recipes(config, data.sha256, notes)
    failed = _measure_parts(config, data, notes)
    findings = read_findings(config, data, notes)
    write_pictures(findings, config.page.parent / "images")
    replace_file(config.page, render_page(findings))
    _LOG.info("%s is written; the fits that it tells of took %s", config.page, format_duration(findings.fit_seconds))
    outcomes = [outcome for outcome in findings.outcomes if config.wants(outcome.recipe.name)]
    failed += [outcome.recipe.name for outcome in outcomes if outcome.failure]
    if failed:
        raise TrainingError(
            f"failed: {', '.join(failed)}; the reasons stand above, and the same study tries them again"
        )


def read_findings(config: StudyConfig, data: DigitData, notes: Notes) -> Findings:
    """Everything that was finished, now or before."""
    return Findings(
        data_name=data.name,
        test_images=len(data.test_images),
        outcomes=[read_outcome(config, recipe, data.sha256, notes) for recipe in config.recipes()],
        floor=measure_floor(data, notes),
        dying=read_dying(config, data.sha256, notes),
        one_class=read_one_class(config, data, notes),
    )


def _measure_parts(config: StudyConfig, data: DigitData, notes: Notes) -> list[str]:
    """Measure the wanted parts; the names of those that failed."""
    parts: dict[str, Callable[[StudyConfig, DigitData, Notes], object]] = {
        DYING_CODE: measure_dying,
        ONE_CLASS: measure_one_class,
    }
    failed = []
    for name, measure in parts.items():
        if config.wants(name):
            try:
                measure(config, data, notes)
            except FitStoppedError:
                raise
            except TrainerError as error:
                _LOG.error("%s: %s", name, error)
                failed.append(name)
    return failed
