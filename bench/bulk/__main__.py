"""`python -m bench.bulk`: digits in tars, a hundred of them broken, through `digitcodec bulk`: all rows come out, equal
to the service's, whether it is killed on the way or not; and images each second, beside the same job done by requests.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import orjson

from bench.bulk.archive import Archive, write_archive
from bench.bulk.running import Finished, kill_bulk, run_bulk
from bench.bulk.service_answers import compare, measure_requests
from bench.bulk.tables import WrongOutputError, check_rows, hash_output, measure_pace, read_rows
from bench.running import running_service
from service.domain import Images

_FLAGS = ("--cleaned", "--shard-rows", "1024")
_CONNECTIONS = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for, print the figures; 1 if a row is missing or differs."""
    options = _parse(arguments)
    with tempfile.TemporaryDirectory() as folder:
        images = _load(options.data, options.rows)
        archive = write_archive(images, Path(folder) / "tars", tars=options.tars, broken=options.broken)
        print(f"{len(archive.files)} digits in {options.tars} tars, {options.broken} broken")
        try:
            output = _check_results(archive, images, Path(folder))
            _check_kills(archive, output, options)
            if options.speed:
                _measure(archive, Path(folder))
        except WrongOutputError as error:
            print(f"wrong: {error}")
            return 1
    return 0


def _check_results(archive: Archive, images: Images, folder: Path) -> Path:
    """Run once, undisturbed, and hold the rows against a service; the output."""
    output = folder / "undisturbed"
    run_bulk(archive.tars, output, *_FLAGS)
    table = read_rows(output)
    check_rows(archive, table)
    print(f"all {table.num_rows} rows are out, {len(archive.broken)} of them with a reason")
    with running_service() as service:
        compare(archive, images, table, service)
    print("codes, errors, scores and problems equal those of the service")
    return output


def _check_kills(archive: Archive, expected: Path, options: argparse.Namespace) -> None:
    """Kill a job again and again, let it finish, and compare."""
    output, chance = expected.with_name("killed"), random.Random(options.seed)  # noqa: S311 - no secret
    share = len(list((expected / "parts").iterdir())) // (options.kills + 1)
    for _ in range(options.kills):
        parts, delay_s = chance.randint(1, max(share, 1)), chance.uniform(0, 0.3)
        there = kill_bulk(archive.tars, output, *_FLAGS, parts=parts, delay_s=delay_s)
        print(f"killed with {there} parts there")
    run_bulk(archive.tars, output, *_FLAGS)
    if hash_output(output) != hash_output(expected):
        raise WrongOutputError("the output of the job that was killed differs")
    print("resumed: every file equals that of the undisturbed job")


def _measure(archive: Archive, folder: Path) -> None:
    """Images each second with one worker and two, by requests, and through a service."""
    print("| job | images/s, under way | images/s, whole command |\n| --- | --- | --- |")
    for workers in (1, 2):
        done = run_bulk(archive.tars, folder / f"workers-{workers}", "--workers", str(workers))
        _print_speed(f"bulk, {workers} workers", done, folder / f"workers-{workers}")
    with running_service() as service:
        flags = ("--server", service.grpc, "--workers", "2")
        _print_speed(
            "bulk, 2 workers before a service", run_bulk(archive.tars, folder / "served", *flags), folder / "served"
        )
        rate = asyncio.run(measure_requests(archive, urlsplit(service.url).port or 0, _CONNECTIONS))
        print(f"| two requests for each image, {_CONNECTIONS} connections | {rate:,.0f} | |")


def _print_speed(name: str, done: Finished, output: Path) -> None:
    rows = orjson.loads((output / "summary.json").read_bytes())["rows"]
    print(f"| {name} | {measure_pace(output):,.0f} | {rows / done.seconds:,.0f} |", flush=True)


def _load(data: str, rows: int | None) -> Images:
    """The digits of a set, those for training and those for tests; repeated or cut to so many rows."""
    from training.data.load import load_data

    digits = load_data(data)
    images = np.concatenate([digits.train_images, digits.test_images])
    return images if rows is None else np.resize(images, (rows, *images.shape[1:]))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.bulk", description=__doc__)
    parser.add_argument("--data", default="digits", help="as for `python -m training fit`")
    parser.add_argument("--rows", type=int, help="so many digits, by default all of them")
    parser.add_argument("--tars", type=int, default=7)
    parser.add_argument("--broken", type=int, default=100)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the kills")
    parser.add_argument("--no-speed", dest="speed", action="store_false", help="measure no speed")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
