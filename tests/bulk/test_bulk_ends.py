"""However a job ends, the same command goes on from there and gives the same output."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.bulk.archive import Archive, write_archive
from bench.bulk.running import build_command, find_family, kill_bulk, run_bulk, wait_for_parts
from bench.bulk.tables import check_rows, hash_output, read_rows

pytestmark = pytest.mark.tensorflow

_FLAGS = ("--cleaned", "--shard-rows", "16", "--workers", "2")
_LIMIT_S = 240


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, digits: NDArray[np.uint8]) -> Archive:
    """Enough shards that a job takes a while."""
    images = np.resize(digits, (4800, 28, 28))
    return write_archive(images, tmp_path_factory.mktemp("archive"), tars=3, broken=20)


@pytest.fixture(scope="module")
def expected(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files of a job that was left alone."""
    output = tmp_path_factory.mktemp("undisturbed")
    run_bulk(archive.tars, output, *_FLAGS)
    check_rows(archive, read_rows(output))
    return hash_output(output)


def test_a_killed_job_goes_on(archive: Archive, expected: dict[str, str], tmp_path: Path) -> None:
    """Nothing is missing, nothing twice, and every byte is the same."""
    there = kill_bulk(archive.tars, tmp_path, *_FLAGS, parts=5)
    run_bulk(archive.tars, tmp_path, *_FLAGS)

    assert 5 <= there < len(expected) // 2
    assert expected == hash_output(tmp_path)


@pytest.fixture
def heeded_interrupts() -> Iterator[None]:
    """A child inherits that its parent ignores SIGINT, as what a shell runs in the background does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded_interrupts")
def test_ctrl_c_leaves_no_process_and_the_job_goes_on(
    archive: Archive, expected: dict[str, str], tmp_path: Path
) -> None:
    """It ends with 130 and one line."""
    command = build_command(archive.tars, tmp_path, *_FLAGS)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        wait_for_parts(child, tmp_path, 3)
        family = find_family(child.pid)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=_LIMIT_S)

    assert 130 == child.returncode
    assert errors.endswith("digitcodec: stopped; the same command goes on from here\n")
    assert not [process for process in family if is_alive(process)]
    run_bulk(archive.tars, tmp_path, *_FLAGS)
    assert expected == hash_output(tmp_path)


def is_alive(process: int) -> bool:
    """True for a process that has not ended, whoever's child it is."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
