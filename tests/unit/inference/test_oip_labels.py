"""Labels and versions that the backend's list lacks, as behind TensorFlow Serving: what a model server knows works."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from support.fakes import CODE_DIM, count_images, fake_codes, fake_pictures
from support.grpc_door import open_channel
from support.http_door import build_context, open_client
from support.inference_calls import HEADER, read_outputs
from support.tfserving_door import StagedBackend

from service.api.grpc import CallTracker
from service.api.inference import add_inference_service, build_inference_app
from service.domain import VersionStatus
from service.errors import BackendError, DeadlineExceededError, NotReadyError, OverloadedError
from service.wire import inference_pb2 as pb
from service.wire.inference_pb2_grpc import GRPCInferenceServiceStub

CODES = fake_codes(count_images(2))
CANARY = "/v2/models/digits-decode/versions/canary"


class ServerBackend(StagedBackend):
    """Lists versions 1 and 2 alone, but also runs 3, which was loaded since, and takes labels that it does not list."""

    def __init__(self) -> None:
        super().__init__(1, 2, 3)
        self.secret_labels = {"canary": 2, "fresh": 3}

    def describe(self) -> list[VersionStatus]:
        """What the last look found."""
        return [status for status in super().describe() if status.version != 3]


@pytest.fixture
def backend() -> ServerBackend:
    """What the doors are over."""
    return ServerBackend()


@pytest.fixture
async def http(backend: ServerBackend) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the REST door."""
    async with open_client(build_inference_app(build_context(backend))) as client:
        yield client


@pytest.fixture
async def stub(backend: ServerBackend) -> AsyncIterator[Any]:
    """A client of the gRPC door."""
    context = build_context(backend)
    async with open_channel(lambda server: add_inference_service(server, context, CallTracker())) as channel:
        yield GRPCInferenceServiceStub(channel)


async def test_label_is_ready(http: httpx.AsyncClient, backend: ServerBackend) -> None:
    """The server is asked for a blank image."""
    answer = await http.get(f"{CANARY}/ready")

    assert (200, {"name": "digits-decode", "ready": True}) == (answer.status_code, answer.json())
    assert [1] == backend.batch_sizes


async def test_metadata_by_label(http: httpx.AsyncClient) -> None:
    """That of the version behind it."""
    answer = await http.get(CANARY)

    assert 200 == answer.status_code
    assert [-1, CODE_DIM] == answer.json()["inputs"][0]["shape"]


async def test_both_over_grpc(stub: Any) -> None:
    """The same step below both doors."""
    ready = await stub.ModelReady(pb.ModelReadyRequest(name="digits", version="canary"))
    model = await stub.ModelMetadata(pb.ModelMetadataRequest(name="digits-decode", version="canary"))

    assert ready.ready
    assert [-1, CODE_DIM] == list(model.inputs[0].shape)


@pytest.mark.parametrize("version", ["canary", "fresh", "3"])
async def test_whole_body(http: httpx.AsyncClient, version: str) -> None:
    """Codes are as wide as the server's; nobody is refused because a list is old."""
    path = f"/v2/models/digits-decode/versions/{version}/infer"
    answer = await http.post(path, content=CODES.tobytes(), headers={HEADER: "0"})

    assert 200 == answer.status_code, answer.text
    assert np.array_equal(fake_pictures(CODES), read_outputs(answer)["images"])


async def test_whole_body_whose_width_cannot_be_found(http: httpx.AsyncClient, backend: ServerBackend) -> None:
    """It is one code then, and the model decides."""
    backend.failure = BackendError("encode broke")
    answer = await http.post(f"{CANARY}/infer", content=CODES[:1].tobytes(), headers={HEADER: "0"})

    assert 200 == answer.status_code, answer.text


async def test_listed_width_costs_no_call(http: httpx.AsyncClient, backend: ServerBackend) -> None:
    """Only what is not known is asked for."""
    await http.post("/v2/models/digits-decode/versions/2/infer", content=CODES.tobytes(), headers={HEADER: "0"})

    assert ["decode"] == [call.signature for call, _ in backend.batches]


@pytest.mark.parametrize("path", ["", "/ready", "/infer"])
async def test_label_that_the_server_does_not_know(http: httpx.AsyncClient, path: str) -> None:
    """It is not found, as everywhere."""
    url = f"/v2/models/digits-decode/versions/nightly{path}"
    body = {"content": CODES.tobytes(), "headers": {HEADER: "0"}}
    answer = await (http.post(url, **body) if path == "/infer" else http.get(url))  # type: ignore[arg-type]

    assert 404 == answer.status_code, answer.text


async def test_label_just_loaded_is_not_ready_yet(http: httpx.AsyncClient) -> None:
    """The server has it, but nothing is known of its version until the next look."""
    assert 503 == (await http.get("/v2/models/digits/versions/fresh/ready")).status_code


async def test_label_while_nothing_is_loaded(http: httpx.AsyncClient, stub: Any, backend: ServerBackend) -> None:
    """Not being ready is an answer; what is not known stays open."""
    backend.versions.clear()

    assert 503 == (await http.get(f"{CANARY}/ready")).status_code
    assert [-1, -1] == (await http.get(CANARY)).json()["inputs"][0]["shape"]
    assert not (await stub.ModelReady(pb.ModelReadyRequest(name="digits", version="canary"))).ready


@pytest.mark.parametrize(
    ("failure", "status"),
    [(BackendError("broke"), 500), (OverloadedError("full"), 429), (DeadlineExceededError("late"), 504)],
)
@pytest.mark.parametrize("path", ["", "/ready"])
async def test_server_that_fails_at_the_question(
    http: httpx.AsyncClient, backend: ServerBackend, path: str, failure: Exception, status: int
) -> None:
    """Its failure is that of an inference."""
    backend.failure = failure

    assert status == (await http.get(CANARY + path)).status_code


async def test_question_has_the_callers_time(http: httpx.AsyncClient) -> None:
    """A time that is none is refused, as for an inference."""
    answer = await http.get(f"{CANARY}/ready", headers={"x-request-timeout": "soon"})

    assert 400 == answer.status_code


async def test_unavailable_server_over_grpc(stub: Any, backend: ServerBackend) -> None:
    """Away is not ready; a broken model is a failure."""
    backend.failure = NotReadyError("away")
    assert not (await stub.ModelReady(pb.ModelReadyRequest(name="digits", version="canary"))).ready

    backend.failure = BackendError("broke")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ModelReady(pb.ModelReadyRequest(name="digits", version="canary"))
    assert grpc.StatusCode.INTERNAL == caught.value.code()
