"""Status and metadata over REST: the documents that TensorFlow Serving's users know."""

from typing import Any

import pytest
from support.fakes import FakeBackend
from support.http_door import LineLog, build_context, open_client
from support.tfserving_door import StagedBackend

from service.api.tfserving import build_serving_app
from service.domain import VersionStatus


async def get(backend: FakeBackend, path: str, log: LineLog | None = None) -> Any:
    """The document at a path."""
    async with open_client(build_serving_app(build_context(backend, log=log))) as client:
        response = await client.get(path)
    assert (200, "application/json") == (response.status_code, response.headers["content-type"])
    assert response.content.startswith(b'{\n  "')
    return response.json()


def state(version: str, name: str, code: str = "OK", message: str = "") -> dict[str, Any]:
    """A version as the status document has it."""
    return {"version": version, "state": name, "status": {"error_code": code, "error_message": message}}


@pytest.mark.parametrize("path", ["/v1/models/digits", "/V1/MODELS/digits", "/v1/models/digits/labels/any"])
async def test_status_document(path: str) -> None:
    """Every version, newest first, its number as a string; a label is ignored."""
    backend, log = StagedBackend(2), LineLog()
    backend.others = [VersionStatus(3, "END", error="is damaged"), VersionStatus(4, "LOADING")]

    assert {
        "model_version_status": [
            state("4", "LOADING"),
            state("3", "END", "UNKNOWN", "is damaged"),
            state("2", "AVAILABLE"),
        ]
    } == await get(backend, path, log)
    assert ("status", 200) == (log.lines[0][2]["operation"], log.lines[0][2]["status"])


async def test_status_of_one_version() -> None:
    """Only that one."""
    document = await get(StagedBackend(2, 3), "/v1/models/digits/versions/2")

    assert {"model_version_status": [state("2", "AVAILABLE")]} == document


def info(dtype: str, *sizes: str) -> dict[str, Any]:
    """A tensor as the metadata document has it."""
    shape = {"dim": [{"size": size, "name": ""} for size in sizes], "unknown_rank": False}
    return {"dtype": dtype, "tensor_shape": shape, "name": ""}


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/v1/models/digits/metadata", "3"),
        ("/v1/models/digits/versions/2/Metadata", "2"),
        ("/v1/models/digits/labels/stable/metadata", "2"),
    ],
)
async def test_metadata_document(path: str, version: str) -> None:
    """Which model, and each signature's tensors with sizes as strings."""
    log = LineLog()
    document = await get(FakeBackend(2, 3, labels={"stable": 2}), path, log)
    signatures = document["metadata"]["signature_def"]["signature_def"]

    assert {"name": "digits", "signature_name": "", "version": version} == document["model_spec"]
    assert {"encode", "decode", "reconstruct", "serving_default"} == signatures.keys()
    assert signatures["reconstruct"] == signatures["serving_default"]
    assert {"images": info("DT_UINT8", "-1", "28", "28")} == signatures["encode"]["inputs"]
    assert {"codes": info("DT_FLOAT", "-1", "4")} == signatures["encode"]["outputs"]
    assert "tensorflow/serving/predict" == signatures["encode"]["method_name"]
    assert ("metadata", int(version)) == (log.lines[0][2]["operation"], log.lines[0][2]["version"])
