"""`survey`: look at the digits before a training."""

import argparse
import dataclasses
import json
from pathlib import Path

from training.commands import flags
from training.config import HELD_OUT

_SHEET_COLUMNS = 20


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command to argparse."""
    survey = commands.add_parser(
        "survey",
        help="look at the digits before a training: what is usable, and what it can promise",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    survey.set_defaults(run=run)
    survey.add_argument("--data", metavar="SRC", default=argparse.SUPPRESS, help=flags.DATA_HELP)
    flags.add_data_flags(survey)
    survey.add_argument("--held-out", type=flags.positive, default=HELD_OUT, help="images that calibrate the score")
    survey.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        default=argparse.SUPPRESS,
        help="write the report as JSON too, with every file that was skipped",
    )
    survey.add_argument(
        "--sheet",
        metavar="FILE",
        type=Path,
        default=argparse.SUPPRESS,
        help="write a PNG of digits as the model would see them; with labels a line for each digit",
    )


def run(options: argparse.Namespace) -> None:
    """Print the report, and write what else was asked for."""
    from training.data.crops import render_contact_sheet
    from training.data.load import load_data
    from training.data.survey import choose_sample, survey
    from training.data.survey_text import render_survey

    data = load_data(getattr(options, "data", None), preprocess=options.preprocess, split=options.split)
    report = survey(data, options.held_out)
    print(f"{data.name}\n{render_survey(report)}")
    if "output" in options:
        options.output.write_text(json.dumps(dataclasses.asdict(report), indent=2) + "\n", "utf-8")
    if "sheet" in options:
        options.sheet.write_bytes(render_contact_sheet(choose_sample(data, columns=_SHEET_COLUMNS), _SHEET_COLUMNS))
