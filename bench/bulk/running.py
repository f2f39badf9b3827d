"""Runs `digitcodec bulk` as a user does, and ends it as no user would."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LIMIT_S = 900.0
_LOOK_INTERVAL_S = 0.01


class BulkFailedError(Exception):
    """The command ended with another status than 0; the text holds what it wrote."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that was left alone.

    Attributes:
        seconds: From the start of the process to its end.
        text: What it printed.
    """

    seconds: float
    text: str


def build_command(inputs: Sequence[Path | str], output: Path | str, *flags: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "service", "bulk", *map(str, inputs), "--output", str(output), *flags]


def run_bulk(inputs: Sequence[Path], output: Path, *flags: str) -> Finished:
    """Run it to its end.

    Raises:
        BulkFailedError: If its status is not 0.
    """
    began_s = time.perf_counter()
    done = subprocess.run(
        build_command(inputs, output, *flags), capture_output=True, text=True, timeout=_LIMIT_S, check=False
    )
    if done.returncode:
        raise BulkFailedError(f"status {done.returncode}:\n{done.stdout}{done.stderr}"[-4000:])
    return Finished(time.perf_counter() - began_s, done.stdout)


def kill_bulk(inputs: Sequence[Path], output: Path, *flags: str, parts: int, delay_s: float = 0.0) -> int:
    """Start it, and kill it and all that it started with SIGKILL; the number of parts that are there then.

    Args:
        inputs: What it reads.
        output: Where it writes.
        flags: Of the command line.
        parts: It is killed once so many parts are there that were not there before.
        delay_s: And so many seconds have passed since.

    Raises:
        BulkFailedError: If it ended before that.
    """
    before = count_parts(output)
    child = subprocess.Popen(
        build_command(inputs, output, *flags), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for_parts(child, output, before + parts)
        time.sleep(delay_s)
    finally:
        for process in find_family(child.pid):
            _kill(process)
        child.wait()
    return count_parts(output)


def count_parts(output: Path) -> int:
    """Parts that are there."""
    return len(list((output / "parts").glob("part-*.parquet")))


def find_family(process: int) -> list[int]:
    """A process, and all that it has started, down to the last; read from Linux's /proc."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    family = [process]
    for member in family:  # grows as it is walked
        family += children.get(member, [])
    return family


def wait_for_parts(child: subprocess.Popen[Any], output: Path, parts: int) -> None:
    """Wait until a job that runs has written so many parts.

    Raises:
        BulkFailedError: If it ends before that, or takes longer than a quarter of an hour.
    """
    end_s = time.monotonic() + _LIMIT_S
    while count_parts(output) < parts:
        if child.poll() is not None or time.monotonic() > end_s:
            raise BulkFailedError(f"it ended with status {child.poll()} before {parts} parts were there")
        time.sleep(_LOOK_INTERVAL_S)


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:  # went with its parent
        return
