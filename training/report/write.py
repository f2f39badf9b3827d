"""Writes the report of a version, whole or not at all."""

import os
from pathlib import Path

from training.data.load import DigitData
from training.evaluation.evaluated import Evaluated
from training.report.page import render_page
from training.report.version import read_version


def write_report(path: Path, version_dir: Path, evaluation: Evaluated, data: DigitData) -> None:
    """Write `report.html`: one file that needs nothing else, some 2 MB.

    Args:
        path: The file; its folder exists. What was there is replaced once the new page is whole.
        version_dir: The version that was evaluated.
        evaluation: What was found.
        data: The digits it was found on.

    Raises:
        EvaluationError: If the version cannot be loaded, or what lies beside its graph cannot be understood.
        OSError: If the file cannot be written.
    """
    from training.evaluation.codecs import SavedModelCodec

    version = read_version(version_dir)
    replace_file(path, render_page(version, evaluation, data, SavedModelCodec(version_dir).decode))


def replace_file(path: Path, text: str) -> None:
    """Write a text to a sibling and rename it: a reader sees the old file or the new one, never a part."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
