"""However a job ends, the same command goes on from there and gives the same output."""

import os
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.bulk_jobs import FLAGS, LIMIT_S, run_job

from bench.bulk.running import build_command, count_parts, find_family, kill_bulk, wait_for_parts
from bench.bulk.tables import hash_output

pytestmark = pytest.mark.tensorflow

_PARTS = 5


@pytest.fixture(scope="module")
def killed(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a job that was killed; tests work on copies."""
    output = tmp_path_factory.mktemp("killed")
    kill_bulk([inputs], output, *FLAGS, "--workers", "2", parts=_PARTS)
    return output


@pytest.fixture
def output(killed: Path, tmp_path: Path) -> Path:
    """A copy of that."""
    return shutil.copytree(killed, tmp_path / "output")


def test_a_killed_job_goes_on(inputs: Path, job: Path, output: Path) -> None:
    """With one worker as with two, nothing is missing, nothing twice, and every byte is the same."""
    there = count_parts(output)
    done = run_job(inputs, output, "--workers", "1")

    assert 0 == done.returncode, done.stderr
    assert "this run: 1,800 rows" not in done.stdout
    assert _PARTS <= there < count_parts(job) // 2
    assert hash_output(job) == hash_output(output)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_job_leaves_no_process_and_whole_files(
    inputs: Path, job: Path, output: Path, number: signal.Signals
) -> None:
    """It ends with 130 and one line."""
    command = build_command([inputs], output, *FLAGS, "--workers", "1")
    with heeded_interrupts(), subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        wait_for_parts(child, output, count_parts(output) + _PARTS)
        family = watch(find_family(child.pid))
        child.send_signal(number)
        _, errors = child.communicate(timeout=LIMIT_S)

    assert 130 == child.returncode
    assert errors.endswith("digitcodec: stopped; the same command goes on from here\n")
    assert "***" not in errors
    assert not find_left(family)
    assert count_parts(output) < count_parts(job)
    assert hash_output(output).items() <= hash_output(job).items()


@contextmanager
def heeded_interrupts() -> Iterator[None]:
    """A child inherits that its parent ignores SIGINT, as what a shell runs in the background does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def watch(processes: list[int]) -> list[tuple[int, int]]:
    """Processes, each with a descriptor that tells when it ends, whoever's child it is."""
    found = []
    for process in processes:
        try:
            found.append((process, os.pidfd_open(process)))
        except ProcessLookupError:  # it has ended meanwhile
            continue
    return found


def find_left(watched: list[tuple[int, int]]) -> list[int]:
    """The processes that go on; each is given time to end."""
    left = [process for process, descriptor in watched if not select.select([descriptor], [], [], LIMIT_S)[0]]
    for _, descriptor in watched:
        os.close(descriptor)
    return left
