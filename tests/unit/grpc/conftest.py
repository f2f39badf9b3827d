"""The gRPC door over a fake backend."""

from collections.abc import AsyncIterator

import grpc
import pytest
from support.fakes import HeldBackend
from support.grpc_door import open_channel
from support.http_door import LineLog, build_context

from service.api.grpc import CallTracker, add_codec_service
from service.wire.codec_pb2_grpc import CodecStub


@pytest.fixture
def backend() -> HeldBackend:
    """Versions 1 and 2, of which 1 is called stable; its gate is open."""
    opened = HeldBackend(1, 2, labels={"stable": 1})
    opened.gate.set()
    return opened


@pytest.fixture
def log() -> LineLog:
    """The lines of the door."""
    return LineLog()


@pytest.fixture
def tracker() -> CallTracker:
    """What knows the calls under way."""
    return CallTracker(arrival_s=0)


@pytest.fixture
async def channel(backend: HeldBackend, log: LineLog, tracker: CallTracker) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the door; a stream may have four rows in work."""
    context = build_context(backend, log=log)
    async with open_channel(lambda server: add_codec_service(server, context, tracker, stream_rows=4)) as opened:
        yield opened


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> CodecStub:
    """A client made of the generated stubs."""
    return CodecStub(channel)
