"""What several suites share: a running service with the default model, and real digits."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from bench.running import RunningService, behind, running_service

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def service() -> Iterator[RunningService]:
    """`python -m service` with the default model, started once and stopped cleanly in the end."""
    with running_service({"DIGITCODEC_MODEL__ROOT": str(REPOSITORY / "models")}) as running:
        yield running


@pytest.fixture(scope="session")
def model_server() -> Iterator[RunningService]:
    """`python -m service model-server` with the default model, in TensorFlow Serving's place."""
    with running_service({"DIGITCODEC_MODEL__ROOT": str(REPOSITORY / "models")}, "model-server") as running:
        yield running


@pytest.fixture(scope="session")
def thin_service(model_server: RunningService) -> Iterator[RunningService]:
    """A gateway without TensorFlow before the model server."""
    with running_service(behind(model_server.grpc)) as running:
        yield running


@pytest.fixture(scope="session")
def service_url(service: RunningService) -> str:
    """The URL of the running service."""
    return service.url


@pytest.fixture(scope="session")
def http(service_url: str) -> Iterator[httpx.Client]:
    """A client of the running service."""
    with httpx.Client(base_url=service_url, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def digits() -> NDArray[np.uint8]:
    """At least 300 real digits, uint8 (n, 28, 28): MNIST's test set, or scikit-learn's enlarged."""
    folder = os.environ.get("MNIST_DIR")
    if folder:
        return _read_idx(Path(folder) / "t10k-images-idx3-ubyte.gz")[:1000]
    from training.data.load import load_data

    return load_data("digits").test_images


def _read_idx(path: Path) -> NDArray[np.uint8]:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16).reshape(-1, 28, 28)


def pytest_report_header() -> list[str]:
    """Name what will be skipped or replaced, and why, before the first test."""
    absent = [name for name in ("MNIST_DIR", "FASHION_DIR") if not os.environ.get(name)]
    if not absent:
        return []
    return [
        f"{' and '.join(absent)} not set: scikit-learn's digits stand in for MNIST; tests that need them are skipped"
    ]
