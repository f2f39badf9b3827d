"""`digitcodec encode`, `reconstruct` and `score`."""

from argparse import Namespace
from collections.abc import Generator

from service.cli.engines import Operation, open_engine
from service.cli.errors import ANOMALY_FOUND
from service.cli.inputs import InputFile, find_files
from service.cli.reading import read_items
from service.cli.report import Report, write_report
from service.cli.rows import Row, answer_images
from service.images import ImageLimits

# As much as the service takes unless told otherwise (DIGITCODEC_LIMITS__MAX_IMAGE_PIXELS).
_MAX_PIXELS = 2**24


def run(options: Namespace) -> int:
    """Have the images answered, and show or write what came.

    Raises:
        CliError: If that fails.
    """
    report = Report(options, options.command)
    files = find_files(options.inputs)
    written = write_report(report, files, lambda: _answer(options, options.command, files))
    is_anomaly_bad = options.command == "score" and options.fail_on_anomaly
    return ANOMALY_FOUND if is_anomaly_bad and written.anomalies else written.status


def _answer(options: Namespace, operation: Operation, files: list[InputFile]) -> Generator[Row, None, None]:
    items = read_items(files, ImageLimits(_MAX_PIXELS), options.preprocess)
    threshold = getattr(options, "threshold", 0.0)  # encode has none
    with open_engine(options) as engine:
        yield from answer_images(items, engine, operation, threshold, options.batch_rows)
