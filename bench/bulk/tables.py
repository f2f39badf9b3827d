"""The output of a job: whether it is what it must be."""

import hashlib
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from bench.bulk.archive import Archive


class WrongOutputError(Exception):
    """The output is not what it must be; the text says where."""


def read_rows(output: Path) -> pa.Table:
    """All rows of a job, in the order of its parts."""
    return pa.concat_tables([parquet.read_table(path) for path in sorted((output / "parts").glob("part-*.parquet"))])


def measure_pace(output: Path) -> float:
    """Images each second between the first part and the last, when all workers had their models."""
    paths = sorted((output / "parts").glob("part-*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    rows = sum(parquet.read_metadata(path).num_rows for path in paths[1:])
    seconds = paths[-1].stat().st_mtime - paths[0].stat().st_mtime
    return float(rows / max(seconds, 1e-9))


def hash_output(output: Path) -> dict[str, str]:
    """SHA-256 of every file of a job's tables and cleaned images."""
    files = sorted([*(output / "parts").iterdir(), *(output / "cleaned").glob("*")])
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def check_rows(archive: Archive, table: pa.Table) -> None:
    """Every member once and in its order, and a reason for the broken ones alone.

    Raises:
        WrongOutputError: If it is not so.
    """
    members = [source.rpartition("!")[2] for source in table["source"].to_pylist()]
    if members != [f"{index:06d}.png" for index in range(len(archive.files))]:
        raise WrongOutputError(f"{len(members)} rows came out, {len(set(members))} of them different")
    reasons = table["reason"].to_pylist()
    found = {index for index, reason in enumerate(reasons) if reason is not None}
    if found != archive.broken:
        raise WrongOutputError(f"{len(found)} rows have a reason, {len(archive.broken)} are broken")
