"""What a job's output depends on, written once beside it: the same again goes on, anything else is refused."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import orjson

from service.bulk.errors import UsageError
from service.bulk.output import JOB, PLAN, join_place, list_parts
from service.bulk.places import read_whole, write_whole
from service.bulk.planning import plan_sources
from service.bulk.sources import Source, parse_plan, render_plan
from service.images import Preprocess

Operation = Literal["all", "encode", "score"]

# Raised when the layout of the output changes, so that no job is finished by another program than began it.
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Job:
    """What decides every byte of the output.

    Attributes:
        inputs: Normalised places.
        operation: Which results are wanted.
        has_cleaned: True if cleaned images are wanted.
        preprocess: How strange image files are treated.
        threshold: Scores above it are anomalies.
        shard_rows: Most rows of a part.
        max_pixels: Most pixels of an image file.
        model: Its name.
        version: Its version.
        digest: SHA-256 of that version's files; or the service that has it.
    """

    inputs: tuple[str, ...]
    operation: Operation
    has_cleaned: bool
    preprocess: Preprocess
    threshold: float
    shard_rows: int
    max_pixels: int
    model: str
    version: int
    digest: str


def read_job(output: str) -> dict[str, Any] | None:
    """What is written of the job in this folder; None if there is none.

    Raises:
        UsageError: If it cannot be read, or is of another program version.
    """
    place = join_place(output, JOB)
    try:
        fields: dict[str, Any] = orjson.loads(read_whole(place))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UsageError(f"{place} cannot be read: {error}") from error
    if fields.pop("format", None) != _FORMAT:
        raise UsageError(f"{output} was begun by another version of digitcodec; --restart removes what it wrote")
    return fields


def open_job(job: Job, output: str) -> list[Source]:
    """The sources of the job: as they were listed when it began, or listed now.

    Raises:
        UsageError: If the folder holds another job, or an input is not there.
    """
    known = read_job(output)
    if known is not None:
        _compare(known, job, output)
        return parse_plan(read_whole(join_place(output, PLAN)))
    if list_parts(output):
        raise UsageError(f"{output} holds parts of a job that nothing is known of, expected a folder without")
    sources = plan_sources(job.inputs, output, job.shard_rows)
    write_whole(join_place(output, PLAN), render_plan(sources))
    # The plan is there before the job counts as begun.
    write_whole(join_place(output, JOB), orjson.dumps({"format": _FORMAT, **asdict(job)}, option=orjson.OPT_INDENT_2))
    return sources


def _compare(known: dict[str, Any], job: Job, output: str) -> None:
    wanted = orjson.loads(orjson.dumps(asdict(job)))
    different = [name for name in wanted if wanted[name] != known.get(name)]
    if different:
        told = ", ".join(f"{name} {known.get(name)!r} there and {wanted[name]!r} here" for name in different)
        raise UsageError(f"{output} holds another job: {told}; --restart removes what it wrote")
