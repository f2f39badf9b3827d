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


def read_shards(row: Row, work: Work) -> Iterator[Shard]:
    """The shards of a source that are not done; {"number", "source", "done"}."""
    limits = ImageLimits(work.job.max_pixels)
    decode = partial(decode_image, limits=limits, preprocess=work.job.preprocess)
    items = read_source(parse_source(row["source"]), decode)
    done = {int(chunk) for chunk in row["done"].split()}
    return cut_shards(items, int(row["number"]), work.job.shard_rows, done)


def send_shards(row: Row, work: Work) -> Iterator[Row]:
    """The same for workers that do not read: {"source", "chunk", "is_last", "table"} each."""
    for shard in read_shards(row, work):
        yield {**shard.part._asdict(), "table": _render_table(shard.table)}


class Worker:
    """Holds the model for as long as Ray keeps the process, and writes a part for each shard."""

    def __init__(self, work: Work, model: Model) -> None:
        """Load nothing yet: what a constructor raises Ray tries again, and tells in pages."""
        self._work, self._model = work, model
        self._engine: Engine | None = None

    def run(self, shard: Shard) -> Row:
        """Write the part of a shard; what is left of it is its tally, or why the job has failed."""
        done = {"number": shard.part.source, "is_last": shard.part.is_last, "tally": b"", "failure": ""}
        try:
            return {**done, "tally": self._write(shard)}
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


class SourceWorker(Worker):
    """Reads sources too: on processors, what is read stays in the process."""

    def __call__(self, row: Row) -> Iterator[Row]:
        """Do all of a source that is not done."""
        return map(self.run, read_shards(row, self._work))


class ShardWorker(Worker):
    """Has shards sent: with GPUs, which reading would keep waiting."""

    def __call__(self, row: Row) -> Row:
        """Do one of `send_shards`."""
        part = PartName(int(row["source"]), int(row["chunk"]), bool(row["is_last"]))
        return self.run(Shard(part, _parse_table(row["table"])))


def _render_table(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def _parse_table(content: bytes) -> pa.Table:
    return pa.ipc.open_stream(content).read_all()
