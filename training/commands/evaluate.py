"""`evaluate`: measure a published version in full; figures to read, `metrics.json` and `report.html`."""

import argparse
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from training.commands import flags

if TYPE_CHECKING:
    from training.data.load import DigitData
    from training.evaluation.figures import Metrics
    from training.evaluation.given_sets import GivenSets
    from training.report.version import Version

METRICS_FILE, REPORT_FILE = "metrics.json", "report.html"

_LOG = logging.getLogger(__name__)
_OOD_HELP = (
    "more images that are no clean digits: IDX files, .npz files, or folders of an IDX file or of image files of "
    "28x28; one whose name begins with 'fashion' stands for --fashion"
)


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command to argparse."""
    evaluate = commands.add_parser(
        "evaluate",
        help="measure a published version in full and write a report",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    evaluate.set_defaults(run=run)
    evaluate.add_argument("version", metavar="VERSION_DIR", type=Path, help="a version, such as models/digits/1")
    evaluate.add_argument("--data", metavar="SRC", default=argparse.SUPPRESS, help=flags.DATA_HELP)
    flags.add_data_flags(evaluate)
    evaluate.add_argument("--fashion", metavar="SRC", type=Path, default=argparse.SUPPRESS, help=flags.FASHION_HELP)
    evaluate.add_argument(
        "--ood", metavar="SRC", type=Path, nargs="+", action="extend", default=argparse.SUPPRESS, help=_OOD_HELP
    )
    evaluate.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        default=argparse.SUPPRESS,
        help="where metrics.json and report.html go (default: reports/NAME-VERSION)",
    )
    evaluate.add_argument("--seed", type=flags.seed, default=0, help="the same seed gives the same noises and sets")


def run(options: argparse.Namespace) -> None:
    """Measure, print, write."""
    from training.evaluation.tables import render_evaluation
    from training.quiet import load_tensorflow
    from training.report.version import read_version

    output = _find_output(options)
    version = read_version(options.version)
    data, given = _load_images(options)
    load_tensorflow()
    from training.evaluation.codecs import SavedModelCodec
    from training.evaluation.full import evaluate_fully
    from training.report import write_report

    codec = SavedModelCodec(options.version)
    _report_data(data, version)
    output.mkdir(parents=True, exist_ok=True)  # now: a folder that cannot be made is known before minutes of measuring
    evaluated = evaluate_fully(codec, data, given, _find_calibration_size(version), options.seed)
    print(render_evaluation(evaluated.metrics))
    _write_metrics(output / METRICS_FILE, version, data, options.seed, evaluated.metrics)
    write_report(output / REPORT_FILE, options.version, evaluated, data)
    print(f"\nwrote {output / METRICS_FILE} and {output / REPORT_FILE}")


def _find_output(options: argparse.Namespace) -> Path:
    """Where the files go, which is never below the version: services read that.

    Raises:
        EvaluationError: If it is.
    """
    from training.errors import EvaluationError

    version = options.version.resolve()
    output: Path = getattr(options, "output", Path("reports") / f"{version.parent.name}-{version.name}")
    if output.resolve().is_relative_to(version):
        raise EvaluationError(f"{output} is a part of the version, which services read; give another --output")
    return output


def _load_images(options: argparse.Namespace) -> "tuple[DigitData, GivenSets]":
    from training.data.load import load_data
    from training.evaluation.given_sets import load_given_sets

    data = load_data(getattr(options, "data", None), preprocess=options.preprocess, split=options.split)
    # What is strange about a picture stays, unless the digits themselves are made from pictures.
    preprocess: Literal["strict", "mnist"] = "mnist" if options.preprocess == "mnist" else "strict"
    return data, load_given_sets(getattr(options, "ood", []), getattr(options, "fashion", None), preprocess)


def _report_data(data: "DigitData", version: "Version") -> None:
    _LOG.info("%s: measuring on %d test digits of %s", version.name, len(data.test_images), data.name)
    if _read_card(version, "data", "sha256") not in (None, data.sha256):
        name = _read_card(version, "data", "name")
        _LOG.warning("it was trained on other digits, %s; it may have seen these", name)


def _find_calibration_size(version: "Version") -> int | None:
    size = _read_card(version, "calibration", "size")
    return size if isinstance(size, int) and size >= 1 else None


def _read_card(version: "Version", part: str, key: str) -> Any:
    """What the model card says, or None where it says nothing: a version without a card serves too."""
    found = version.card.get(part)
    return found.get(key) if isinstance(found, dict) else None


def _write_metrics(path: Path, version: "Version", data: "DigitData", seed: int, metrics: "Metrics") -> None:
    """Whole or not at all."""
    from training.report.write import replace_file

    content = {
        "name": version.name,
        "version": version.number,
        "data": {"name": data.name, "sha256": data.sha256, "test_images": len(data.test_images)},
        "seed": seed,
        "metrics": metrics,
    }
    replace_file(path, json.dumps(content, indent=2, allow_nan=False) + "\n")
