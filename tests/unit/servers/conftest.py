"""The servers are tested on the event loop that the service runs on, and on asyncio's own."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from support.server_pki import ServerPki


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test runs on both."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def pki(tmp_path: Path) -> ServerPki:
    """Fresh certificates."""
    return ServerPki(tmp_path)
