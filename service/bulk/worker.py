"""What runs in Ray's processes: a source becomes shards, and a shard becomes a part of the output."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from service.bulk.engines import Engine, open_engine
from service.bulk.errors import BulkError
from service.bulk.job import Job
from service.bulk.models import Model
from service.bulk.output import PartName, place_cleaned, place_part
from service.bulk.parts import build_table, count, render_cleaned, render_part
from service.bulk.places import write_whole
from service.bulk.reading import read_source
from service.bulk.shards import Shard, cut_shards
from service.bulk.sources import parse_source
from service.bulk.tally import render_tally
from service.images import ImageLimits, decode_image

Row = dict[str, Any]
"""As Ray Data carries it."""


@dataclass(frozen=True, slots=True)
class Work:
    """What the processes of a job need to know.

    Attributes:
        job: What is wanted.
        output: Where it is written.
        batch_rows: Most images of one call of the model.
    """

    job: Job
    output: str
    batch_rows: int


def read_shards(row: Row, work: Work) -> Iterator[Row]:
    """A source -> its shards that are not done: {"source", "number", "done"} -> {"part", "table"} each."""
    limits = ImageLimits(work.job.max_pixels)
    decode = partial(decode_image, limits=limits, preprocess=work.job.preprocess)
    items = read_source(parse_source(row["source"]), decode)
    done = {int(chunk) for chunk in row["done"].split()}
    for shard in cut_shards(items, int(row["number"]), work.job.shard_rows, done):
        yield {
            "number": shard.part.source,
            "chunk": shard.part.chunk,
            "is_last": shard.part.is_last,
            "table": _render_table(shard.table),
        }


class Worker:
    """Holds the model for as long as Ray keeps the process, and writes a part for each shard."""

    def __init__(self, work: Work, model: Model) -> None:
        """Load nothing yet: what a constructor raises Ray tries again, and tells in pages."""
        self._work, self._model = work, model
        self._engine: Engine | None = None

    def __call__(self, row: Row) -> Row:
        """Write the part of a shard; what is left of it is its tally, or why the job has failed."""
        part = PartName(int(row["number"]), int(row["chunk"]), bool(row["is_last"]))
        done = {"number": part.source, "is_last": part.is_last, "tally": b"", "failure": ""}
        try:
            return {**done, "tally": self._write(Shard(part, _parse_table(row["table"])))}
        except BulkError as error:
            return {**done, "failure": str(error)}

    def _write(self, shard: Shard) -> bytes:
        job, output = self._work.job, self._work.output
        if self._engine is None:
            self._engine = open_engine(self._model, job.operation, self._work.batch_rows)
        outputs = self._engine.run(shard.images())
        tally = count(shard, outputs, job.threshold)
        table = build_table(shard, outputs, job.version, job.threshold)
        # The table comes last: where it is, the rest of the part is too.
        if job.has_cleaned:
            write_whole(place_cleaned(output, shard.part), render_cleaned(shard, outputs["reconstructions"]))
        write_whole(place_part(output, shard.part), render_part(table, tally))
        return render_tally(tally)


def _render_table(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def _parse_table(content: bytes) -> pa.Table:
    return pa.ipc.open_stream(content).read_all()
