"""What cancelling means where a thread computes: nothing is let go of before the thread is done."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.fakes import FAKE_SIGNATURES, count_images, fake_codes

from service.backends.contract import ENCODE
from service.backends.embedded import EmbeddedBackend
from service.batching import Batcher, BatchLimits
from service.domain import Call, Deadline, Rows, Signature
from service.errors import BackendError
from service.settings import EmbeddedBackendSettings, ModelSettings

ENCODE_CALL = Call("encode", ENCODE)
IMAGES = count_images(2)


@dataclass
class BlockingGraph:
    """Computes in its caller's thread, and not before its gate is open."""

    code_dim: int = 4
    signatures: dict[str, object] = field(default_factory=lambda: FAKE_SIGNATURES)
    gate: threading.Event = field(default_factory=threading.Event)
    failure: Exception | None = None
    running: int = 0
    is_closed: bool = False

    def run(self, signature: Signature, outputs: tuple[str, ...], rows: Rows) -> dict[str, Rows]:
        """Wait, then fail or encode."""
        self.running += 1
        try:
            assert self.gate.wait(60)
            if self.failure is not None:
                raise self.failure
            return {"codes": fake_codes(rows)}
        finally:
            self.running -= 1

    def close(self) -> None:
        """Must not come while something runs."""
        assert not self.running
        self.is_closed = True


@pytest.fixture
def graph() -> BlockingGraph:
    """A graph whose gate is closed."""
    return BlockingGraph()


@pytest.fixture
async def backend(
    tmp_path: Path, graph: BlockingGraph, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[EmbeddedBackend]:
    """A backend with one thread that has the graph as version 1, and looks at its folder once."""
    (tmp_path / "digits" / "1").mkdir(parents=True)
    (tmp_path / "digits" / "1" / "saved_model.pb").touch()
    monkeypatch.setattr(EmbeddedBackend, "_load", lambda _, __: graph)
    model = ModelSettings(root=tmp_path, poll_interval_s=600)
    backend = EmbeddedBackend(EmbeddedBackendSettings(), model, max_batches=1, warm_up_sizes=(1,))
    await backend.start()
    await until(backend.is_ready)
    yield backend
    graph.gate.set()
    await backend.close()


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition holds: threads have no events that a loop could wait for."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.001)


def run(backend: EmbeddedBackend) -> asyncio.Task[object]:
    """Start one batch."""
    return asyncio.create_task(backend.run(ENCODE_CALL, IMAGES, Deadline.after(600)))


async def turn_of_the_loop() -> None:
    """Let every task that can run now run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_cancellation_waits_for_the_thread(backend: EmbeddedBackend, graph: BlockingGraph) -> None:
    """However often it comes, it is let through once the thread is done."""
    task = run(backend)
    await until(lambda: graph.running)
    for _ in range(3):
        task.cancel()
        await turn_of_the_loop()
    assert not task.done()
    graph.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert 0 == graph.running


async def test_version_is_kept_until_the_thread_is_done(backend: EmbeddedBackend, graph: BlockingGraph) -> None:
    """A cancelled batch still runs on its graph, which must not be freed below it."""
    task = run(backend)
    await until(lambda: graph.running)
    task.cancel()
    closing = asyncio.create_task(backend.close())
    await until(lambda: backend.describe()[0].state == "UNLOADING")
    await turn_of_the_loop()
    assert not graph.is_closed
    assert not closing.done()
    graph.gate.set()
    await closing

    assert graph.is_closed
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_abandoned_batch_keeps_its_place(backend: EmbeddedBackend, graph: BlockingGraph) -> None:
    """The next batch is not put behind it in the thread, where nobody would see it wait."""
    batcher = Batcher(backend, BatchLimits(max_batch_rows=2, max_batches=1, max_queue_rows=16))
    left = asyncio.create_task(batcher.submit(ENCODE_CALL, IMAGES, Deadline.after(600)))
    await until(lambda: graph.running)
    left.cancel()
    stays = asyncio.create_task(batcher.submit(ENCODE_CALL, IMAGES[:1], Deadline.after(600)))
    await turn_of_the_loop()
    assert left.cancelled()
    assert (1, 1) == (batcher.running_batches, batcher.waiting_rows)
    graph.gate.set()

    assert 1 == (await stays).version


async def test_failure_of_abandoned_work_is_nobodys(backend: EmbeddedBackend, graph: BlockingGraph) -> None:
    """The cancellation is what comes out, and no exception is left behind that nobody retrieves."""
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    graph.failure = BackendError("the model failed")
    task = run(backend)
    await until(lambda: graph.running)
    task.cancel()
    await turn_of_the_loop()
    graph.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    await backend.close()  # its thread holds the work a moment longer
    gc.collect()

    assert [] == reported
