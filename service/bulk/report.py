"""What is left of a finished job beside its parts: a summary for programs, a picture, and a few lines."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson

from service.bulk.job import Job
from service.bulk.output import PICTURE, SUMMARY, PartName, join_place, place_part
from service.bulk.parts import read_tally
from service.bulk.picture import draw_summary
from service.bulk.places import write_whole
from service.bulk.tally import Tally

# Footers that are read at the same time: an object store answers each after tens of milliseconds.
_READERS = 16
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast this run was; former runs of the same job are not counted.

    Attributes:
        rows: Rows that it wrote.
        seconds: From the first source on, without the start of Ray.
    """

    rows: int
    seconds: float


def sum_parts(output: str, parts: Iterable[PartName]) -> Tally:
    """The tally of the whole job, from those that its parts carry."""
    total = Tally()
    places = (place_part(output, part) for part in parts)
    with ThreadPoolExecutor(_READERS) as readers:
        for tally in readers.map(read_tally, places):
            total.add(tally)
    return total


def write_summary(job: Job, output: str, total: Tally, pace: Pace) -> None:
    """Write summary.json, and summary.png if there are scores."""
    summary = {
        "rows": total.rows,
        "problems": dict(sorted(total.problems.items())),
        "model": {"name": job.model, "version": job.version, "digest": job.digest},
        "operation": job.operation,
        **_describe_scores(job, total),
        "last_run": {"rows": pace.rows, "seconds": round(pace.seconds, 3)},
    }
    write_whole(join_place(output, SUMMARY), orjson.dumps(summary, option=orjson.OPT_INDENT_2))
    if job.operation != "encode":
        write_whole(join_place(output, PICTURE), draw_summary(total, job.threshold))


def render_lines(job: Job, output: str, total: Tally, pace: Pace) -> list[str]:
    """What the terminal shows in the end."""
    rate = pace.rows / pace.seconds if pace.seconds > 0 else 0
    named = ", ".join(f"{count:,} {reason}" for reason, count in sorted(total.problems.items()))
    lines = [
        f"{total.rows:,} rows in {output}, by version {job.version} of {job.model}",
        f"this run: {pace.rows:,} rows in {pace.seconds:.1f} s, {rate:,.0f} images/s",
        f"{total.count_problems():,} rows with a problem" + (f": {named}" if named else ""),
    ]
    if job.operation != "encode":
        lines.append(f"{total.anomalies:,} anomalies above {job.threshold:g}")
        lines += [f"  {each.score:.6f}  {each.source} row {each.row}" for each in total.strangest[:_NAMED]]
    return lines


def _describe_scores(job: Job, total: Tally) -> dict[str, Any]:
    if job.operation == "encode":
        return {}
    fields = ("source", "row", "score", "error")
    strangest = [{field: getattr(each, field) for field in fields} for each in total.strangest]
    return {
        "threshold": job.threshold,
        "anomalies": total.anomalies,
        "histogram": total.histogram,
        "strangest": strangest,
    }
