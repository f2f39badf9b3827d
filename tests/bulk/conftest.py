"""A Ray cluster that is started once, in a process of its own, and the job on it that others are held against."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from support.bulk_files import write_parquet, write_tar
from support.bulk_jobs import run_job
from support.object_store import CREDENTIALS

from service.images import render_png

# A GPU is what Ray is told: TensorFlow finds none, and goes on with the processor.
_CLUSTER = """
import logging, sys, ray
ray.init(address="local", num_cpus=2, num_gpus=1, include_dashboard=False, object_store_memory=256 * 2**20,
         log_to_driver=False, logging_level=logging.ERROR)
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
"""

_SETTINGS = {
    **CREDENTIALS,
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The address of a cluster of two processors and one GPU; who knows its token may use it."""
    command = [sys.executable, "-c", _CLUSTER]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _SETTINGS.items():
            patch.setenv(name, value)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            yield child.stdout.readline().strip()
            child.communicate(timeout=60)


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory, digits: NDArray[np.uint8]) -> Path:
    """A folder with a source of every kind; of each four images one is broken, but in the npy file.

    That one is long enough for a job to be stopped in the midst of it, and begins with the images of the others.
    """
    folder = tmp_path_factory.mktemp("inputs")
    files = [render_png(image) if index % 4 else b"broken" for index, image in enumerate(digits[:300])]
    (folder / "a").mkdir()
    for index, content in enumerate(files[:100]):
        (folder / f"a/{index:03d}.png").write_bytes(content)
    write_tar(folder / "b.tar", {f"{index:03d}.png": content for index, content in enumerate(files[100:200])})
    write_parquet(folder / "c.parquet", pa.array(files[200:300]), group_rows=60)
    np.save(folder / "d.npy", np.resize(digits, (1500, 28, 28)))
    return folder


@pytest.fixture(scope="session")
def job(inputs: Path, cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a job with everything, which was left alone."""
    output = tmp_path_factory.mktemp("job")
    done = run_job(inputs, output, "--address", cluster)

    assert 0 == done.returncode, done.stderr
    assert "1,800 rows" in done.stdout
    return output
