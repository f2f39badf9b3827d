"""Shows rows as they come, writes them in the end, and says how it went."""

import sys
from argparse import Namespace
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from importlib.util import find_spec

from service.cli.engines import Operation
from service.cli.errors import FAILED, OK, SOME_UNREADABLE
from service.cli.flags import PROGRAM
from service.cli.inputs import InputFile
from service.cli.output.fields import show_source
from service.cli.output.lines import render_line
from service.cli.output.table import render_table
from service.cli.output.targets import check_target, write_target
from service.cli.rows import Row, watch
from service.client.progress import open_bar

# Fewer files are done before anybody has read a bar.
_LEAST_FILES = 20


@dataclass(slots=True)
class Written:
    """What was counted.

    Attributes:
        rows: All of them.
        anomalies: Those above the threshold.
        unreadable: Those without an answer.
    """

    rows: int = 0
    anomalies: int = 0
    unreadable: list[Row] = field(default_factory=list)

    @property
    def status(self) -> int:
        """How the command ends."""
        if not self.unreadable:
            return OK
        return FAILED if len(self.unreadable) == self.rows else SOME_UNREADABLE


class Report:
    """Where the rows of a command go: to a file, to lines of JSON, or to a table.

    Attributes:
        written: What was counted so far.
    """

    def __init__(self, options: Namespace, operation: Operation) -> None:
        """Look at the flags.

        Raises:
            UsageError: If `--output` cannot be written as it is named.
        """
        self._operation, self._output, self._as_json = operation, options.output, options.json
        self._kept: list[Row] = []
        self.written = Written()
        if self._output is not None:
            check_target(self._output, operation)

    def take(self, rows: Iterable[Row]) -> None:
        """Print lines of JSON as rows come; for all else keep them."""
        is_kept = self._output is not None or not self._as_json
        for row in rows:
            _count(row, self.written)
            if self._as_json:
                sys.stdout.write(render_line(row, self._operation))
            if is_kept:
                self._kept.append(row)

    def finish(self) -> None:
        """Write the file or print the table, and name what could not be read.

        Raises:
            CliError: If a file cannot be written.
        """
        if self._output is not None:
            write_target(self._output, self._operation, self._kept)
            summary = _summarise(self.written, has_verdicts=self._operation in {"score", "reconstruct"})
            sys.stderr.write(f"{summary} -> {self._output}\n")
        elif not self._as_json:
            sys.stdout.write(render_table(self._kept, self._operation))
        for row in self.written.unreadable:
            place = show_source(row, has_rows=row.row > 0)
            sys.stderr.write(f"{PROGRAM}: {place} cannot be read: {row.problem} ({row.reason})\n")

    def may_draw(self) -> bool:
        """Whether a bar can be drawn: on a terminal that no lines come to meanwhile."""
        is_disturbed = self._as_json and sys.stdout.isatty()
        return sys.stderr.isatty() and not is_disturbed and find_spec("tqdm") is not None


def write_report(
    report: Report, files: Sequence[InputFile], answer: Callable[[], Generator[Row, None, None]]
) -> Written:
    """Take what is answered, with a bar if there is much of it, then write it.

    Raises:
        CliError: If it cannot be answered or written.
    """
    has_arrays = any(file.path.lower().endswith(".npy") for file in files)
    is_wanted = (has_arrays or len(files) >= _LEAST_FILES) and report.may_draw()
    with open_bar(None if has_arrays else len(files), is_wanted=is_wanted) as advance, closing(answer()) as rows:
        report.take(watch(rows, advance))
    report.finish()
    return report.written


def _count(row: Row, written: Written) -> None:
    written.rows += 1
    written.anomalies += bool(row.anomaly)
    if row.reason:
        written.unreadable.append(row)


def _summarise(written: Written, *, has_verdicts: bool) -> str:
    parts = [f"{written.rows} image{'s' * (written.rows != 1)}"]
    if has_verdicts:
        parts.append(f"{written.anomalies} anomal{'y' if written.anomalies == 1 else 'ies'}")
    if written.unreadable:
        parts.append(f"{len(written.unreadable)} unreadable")
    return ", ".join(parts)
