"""Both doors of the Open Inference Protocol over a fake backend."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from support.fakes import FakeBackend
from support.grpc_door import open_channel
from support.http_door import CountingExecutor, LineLog, build_context, open_client

from service.api.context import DoorContext
from service.api.grpc import CallTracker
from service.api.inference import add_inference_service, build_inference_app
from service.settings import LimitSettings
from service.wire.inference_pb2_grpc import GRPCInferenceServiceStub


@pytest.fixture
def backend() -> FakeBackend:
    """Versions 1 and 2, of which 1 is called stable."""
    return FakeBackend(1, 2, labels={"stable": 1})


@pytest.fixture
def log() -> LineLog:
    """The lines of the doors."""
    return LineLog()


@pytest.fixture
def bulk() -> CountingExecutor:
    """What takes large requests."""
    return CountingExecutor()


@pytest.fixture
def context(backend: FakeBackend, log: LineLog, bulk: CountingExecutor) -> DoorContext:
    """What both doors are built over; a body has at most a MiB."""
    return build_context(backend, limits=LimitSettings(max_body_bytes=2**20, max_rows=300), bulk=bulk, log=log)


@pytest.fixture
async def http(context: DoorContext) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the REST door."""
    async with open_client(build_inference_app(context)) as client:
        yield client


@pytest.fixture
async def stub(context: DoorContext) -> AsyncIterator[Any]:
    """A client of the gRPC door, made of the generated stubs."""
    async with open_channel(lambda server: add_inference_service(server, context, CallTracker())) as channel:
        yield GRPCInferenceServiceStub(channel)
