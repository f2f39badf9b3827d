"""A model server on a real socket, and a backend that has found it."""

from collections.abc import AsyncIterator

import pytest
from support.serving_peer import ServingPeer, open_backend, running_peer, until

from service.backends.tfserving import TFServingBackend


@pytest.fixture
async def peer() -> AsyncIterator[ServingPeer]:
    """A model server with versions 1 and 2."""
    async with running_peer(1, 2) as running:
        yield running


@pytest.fixture
async def backend(peer: ServingPeer) -> AsyncIterator[TFServingBackend]:
    """A backend that is ready; it calls version 1 stable."""
    async with open_backend(peer.target, labels={"stable": 1}) as opened:
        await until(opened.is_ready)
        yield opened
