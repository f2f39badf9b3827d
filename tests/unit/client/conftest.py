"""Every test of calls runs on both clients, over both protocols."""

from collections.abc import AsyncIterator

import pytest
from support.client_gateway import ClientGateway, Driven, Kind, Protocol, driving, open_client_gateway


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Which client."""
    chosen: Kind = request.param
    return chosen


@pytest.fixture(params=["http", "grpc"])
def protocol(request: pytest.FixtureRequest) -> Protocol:
    """What it speaks."""
    chosen: Protocol = request.param
    return chosen


@pytest.fixture
async def gateway() -> AsyncIterator[ClientGateway]:
    """A gateway over a fake backend."""
    async with open_client_gateway() as opened:
        yield opened


@pytest.fixture
async def client(kind: Kind, protocol: Protocol, gateway: ClientGateway) -> AsyncIterator[Driven]:
    """A client of it."""
    async with driving(kind, gateway.urls[protocol]) as driven:
        yield driven
