"""Versions as a caller over HTTP sees them: a new one takes over under load, a damaged one is reported."""

import asyncio
import os
import shutil
from pathlib import Path

import httpx
import pytest
from support.fakes import count_images

from bench.running import running_service

pytestmark = pytest.mark.tensorflow

_CALLERS = 8
_RAW = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A model folder with version 1 of the toy in place and version 2 beside it, not yet published."""
    from support.toy_model import export_toy

    export_toy(tmp_path / "models" / "digits" / "1", scale=1.0)
    export_toy(tmp_path / "next", scale=2.0)
    return tmp_path


async def call_until_version(client: httpx.AsyncClient, version: int, statuses: list[int]) -> None:
    """Call again and again until the version answers; every status is kept."""
    answered = 0
    while answered != version:
        answer = await client.post("/encode", content=count_images(1).tobytes(), headers=_RAW)
        statuses.append(answer.status_code)
        answered = answer.json()["model"]["version"] if answer.is_success else answered


async def test_new_version_takes_over_under_load(root: Path) -> None:
    """Not one request fails while version 2 is loaded and version 1 retires."""
    settings = {"DIGITCODEC_MODEL__ROOT": str(root / "models"), "DIGITCODEC_MODEL__POLL_INTERVAL_S": "0.05"}
    statuses: list[int] = []
    with running_service(settings) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as client, asyncio.timeout(120):
            callers = [asyncio.create_task(call_until_version(client, 2, statuses)) for _ in range(_CALLERS)]
            await call_until_version(client, 1, statuses)
            os.rename(root / "next", root / "models" / "digits" / "2")  # noqa: PTH104 - as a publisher does it
            await asyncio.gather(*callers)

    assert {200} == set(statuses)


def test_damaged_version_is_reported_and_the_good_one_serves(root: Path) -> None:
    """/models says what is wrong with version 2; requests are answered by version 1."""
    shutil.copytree(root / "next", root / "models" / "digits" / "2")
    (root / "models" / "digits" / "2" / "saved_model.pb").write_bytes(b"damaged")
    settings = {"DIGITCODEC_MODEL__ROOT": str(root / "models")}
    with running_service(settings) as service, httpx.Client(base_url=service.url) as client:
        answer = client.post("/encode", content=count_images(1).tobytes(), headers=_RAW)
        versions = {each["version"]: each for each in client.get("/models/digits").json()["versions"]}

    assert 1 == answer.json()["model"]["version"]
    assert ("END", "AVAILABLE") == (versions[2]["state"], versions[1]["state"])
    assert "cannot be loaded" in versions[2]["error"]
