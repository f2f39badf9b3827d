"""One job from its flags to its summary."""

import argparse
import time
from collections.abc import Iterator
from importlib.util import find_spec

from service.bulk.cluster import Cluster, running_ray
from service.bulk.errors import JobFailedError, UsageError
from service.bulk.job import Job, open_job, read_job
from service.bulk.models import Model, Server, ask_model, find_version_number, load_model
from service.bulk.output import Progress, find_progress, list_parts, locked, remove_job, remove_unfinished
from service.bulk.pipeline import Pending, run_shards
from service.bulk.places import normalise_place
from service.bulk.progress import follow
from service.bulk.report import Pace, render_lines, sum_parts, write_summary
from service.bulk.sources import Source
from service.bulk.tally import Tally
from service.bulk.worker import Work
from service.settings import ModelSettings, Settings

# Where the model is near and slow, small batches stay in its caches; where each call costs a way, large ones pay.
_NEAR_ROWS, _FAR_ROWS = 512, 4096


def run_job(options: argparse.Namespace, settings: Settings) -> Iterator[str]:
    """Do what is missing of the job; lines for the terminal.

    Raises:
        UsageError: If it cannot be started as it was asked for.
        JobFailedError: If it ended before all rows were out.
    """
    output = normalise_place(options.output)
    with locked(output):
        if options.restart:
            remove_job(output)
        remove_unfinished(output)
        model = _choose_model(options, settings.model, output)
        job = _build_job(options, settings, model)
        sources = open_job(job, output)
        pace = _do_missing(options, job, output, model, sources)
        yield from _finish(job, output, sources, pace)


def _choose_model(options: argparse.Namespace, settings: ModelSettings, output: str) -> Model:
    known = read_job(output)
    begun_with = int(known["version"]) if known else None
    if options.server is None:
        if find_spec("tensorflow") is None:
            raise UsageError("TensorFlow is not installed: pip install 'digitcodec[bulk]', or use --server")
        settings = settings.model_copy(update={"root": options.models or settings.root})
        return load_model(settings, find_version_number(settings, options.version, options.label, begun_with))
    server = _build_server(options)
    version = options.version or (None if options.label else begun_with)
    return ask_model(server, settings.name, version, options.label)


def _build_server(options: argparse.Namespace) -> Server:
    url = options.server if "://" in options.server else f"grpc://{options.server}"
    try:
        key = options.key_file.read_text().strip() if options.key_file else None
    except OSError as error:
        raise UsageError(f"the key cannot be read: {error}") from error
    return Server(url, key, str(options.ca_file) if options.ca_file else None)


def _build_job(options: argparse.Namespace, settings: Settings, model: Model) -> Job:
    return Job(
        inputs=tuple(normalise_place(given) for given in options.inputs),
        operation=options.operation,
        has_cleaned=options.cleaned,
        preprocess=options.preprocess,
        threshold=options.threshold,
        shard_rows=options.shard_rows,
        max_pixels=settings.limits.max_image_pixels,
        model=model.name,
        version=model.version,
        digest=model.digest,
    )


def _do_missing(options: argparse.Namespace, job: Job, output: str, model: Model, sources: list[Source]) -> Pace:
    pending = _find_pending(output, sources)
    if not pending:
        return Pace(0, 0.0)
    is_far = options.server is not None or options.gpus_per_worker > 0
    work = Work(job, output, options.batch_rows or (_FAR_ROWS if is_far else _NEAR_ROWS))
    cluster = Cluster(options.address, options.workers, options.gpus_per_worker)
    now = Tally()
    with running_ray(cluster) as workers:
        began_s = time.perf_counter()
        parts = run_shards(pending, work, model, workers, options.gpus_per_worker)
        for _ in follow(parts, len(sources), len(sources) - len(pending), now):
            pass
        return Pace(now.rows, time.perf_counter() - began_s)


def _find_pending(output: str, sources: list[Source]) -> list[Pending]:
    progress = find_progress(list_parts(output))
    pending = [Pending(number, source, progress.get(number, Progress())) for number, source in enumerate(sources)]
    return [each for each in pending if not each.progress.is_finished()]


def _finish(job: Job, output: str, sources: list[Source], pace: Pace) -> list[str]:
    missing = _find_pending(output, sources)
    if missing:
        first = ", ".join(missing[0].source.places[:1])
        raise JobFailedError(f"{len(missing)} of {len(sources)} sources lack parts, the first is {first}")
    remove_unfinished(output)  # of a worker that Ray replaced
    total = sum_parts(output, list_parts(output))
    write_summary(job, output, total, pace)
    return render_lines(job, output, total, pace)
