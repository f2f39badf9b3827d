"""The embedded backend's own promises that need no TensorFlow: following the folder, and stopping."""

import asyncio
from pathlib import Path

import pytest

from service.backends.embedded import EmbeddedBackend
from service.settings import EmbeddedBackendSettings, ModelSettings


def build(root: Path) -> EmbeddedBackend:
    """A backend that looks at its folder every millisecond."""
    model = ModelSettings(root=root, poll_interval_s=0.001)
    return EmbeddedBackend(EmbeddedBackendSettings(), model, max_batches=1, warm_up_sizes=(1,))


async def test_watching_survives_a_disk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that raises is followed by the next one, and the backend still stops cleanly."""
    looks = 0
    looked_again = asyncio.Event()

    async def refresh() -> None:
        nonlocal looks
        looks += 1
        if looks > 2:
            looked_again.set()
        raise OSError("input/output error")

    backend = build(tmp_path)
    monkeypatch.setattr(backend._shelf, "refresh", refresh)  # noqa: SLF001 - a disk cannot be made to fail from here
    await backend.start()
    await asyncio.wait_for(looked_again.wait(), 60)
    await backend.close()

    assert not backend.is_ready()


async def test_stopping_before_anything_is_loaded(tmp_path: Path) -> None:
    """An empty folder is no reason to hang."""
    backend = build(tmp_path)
    await backend.start()
    await asyncio.wait_for(backend.close(), 60)

    assert [] == backend.describe()
