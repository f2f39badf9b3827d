"""A damaged version as a caller over HTTP sees it."""

import shutil
from pathlib import Path

import httpx
import pytest
from support.fakes import count_images

from bench.running import running_service

pytestmark = pytest.mark.tensorflow

_RAW = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A model folder with version 1 of the toy in place and version 2 beside it, not yet published."""
    from support.toy_model import export_toy

    export_toy(tmp_path / "models" / "digits" / "1", scale=1.0)
    export_toy(tmp_path / "next", scale=2.0)
    return tmp_path


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
