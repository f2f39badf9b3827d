"""The job on Ray Data: a row for each source, then for each shard, then for each part."""

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

from service.bulk.errors import JobFailedError
from service.bulk.models import Model
from service.bulk.output import Progress
from service.bulk.sources import Source, render_source
from service.bulk.tally import Tally, parse_tally
from service.bulk.worker import ShardWorker, SourceWorker, Work, send_shards

# So many blocks for each worker that one which has many large sources does not keep the others waiting in the end.
_BLOCKS_PER_WORKER = 16
_LEAST_BLOCKS = 256


class Done(NamedTuple):
    """A part that is written.

    Attributes:
        source: Number of its source.
        is_last: True for the last of its source.
        tally: What is said of it.
    """

    source: int
    is_last: bool
    tally: Tally


class Pending(NamedTuple):
    """A source of which shards are missing.

    Attributes:
        number: Its number in the plan.
        source: What it is.
        progress: What of it is finished.
    """

    number: int
    source: Source
    progress: Progress


def run_shards(
    pending: list[Pending], work: Work, model: Model, workers: int, gpus_per_worker: float
) -> Iterator[Done]:
    """Write all parts that are missing; each is told of as soon as it is there.

    Raises:
        JobFailedError: If a worker fails.
    """
    import ray.exceptions

    dataset = _build(pending, work, model, workers, gpus_per_worker)
    try:
        for row in dataset.iter_rows():
            if row["failure"]:
                raise JobFailedError(row["failure"])
            yield Done(row["number"], row["is_last"], parse_tally(row["tally"]))
    except ray.exceptions.RayError as error:
        raise JobFailedError(f"Ray: {_find_last_line(error)}") from error


def _build(pending: list[Pending], work: Work, model: Model, workers: int, gpus_per_worker: float) -> Any:
    import ray.data

    _configure(ray.data.DataContext.get_current())
    rows = [
        {
            "number": each.number,
            "source": render_source(each.source),
            "done": " ".join(map(str, sorted(each.progress.chunks))),
        }
        for each in pending
    ]
    blocks = min(len(rows), max(_LEAST_BLOCKS, workers * _BLOCKS_PER_WORKER))
    sources = ray.data.from_items(rows, override_num_blocks=blocks)
    if not gpus_per_worker:
        pool = ray.data.ActorPoolStrategy(size=min(workers, len(rows)))
        return sources.flat_map(SourceWorker, fn_constructor_args=(work, model), compute=pool, num_cpus=1)
    pool, needs = ray.data.ActorPoolStrategy(size=workers), {"num_cpus": 0, "num_gpus": gpus_per_worker}
    shards = sources.flat_map(send_shards, fn_args=(work,), num_cpus=1)
    return shards.map(ShardWorker, fn_constructor_args=(work, model), compute=pool, **needs)


def _configure(context: Any) -> None:
    # A block for each shard: otherwise Ray gathers 128 MiB of them before the next step sees the first.
    context.target_max_block_size = context.target_min_block_size = 1
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)


def _find_last_line(error: Exception) -> str:
    """What a traceback ends with, which Ray makes a text of."""
    return ([type(error).__name__, *str(error).strip().splitlines()])[-1]
