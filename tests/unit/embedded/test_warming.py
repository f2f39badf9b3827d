"""Warming a version that answers already: which sizes, when, and for how long."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import structlog

from service.backends.embedded.disk import Companions, VersionDirectory
from service.backends.embedded.graph_type import LoadedGraph
from service.backends.embedded.version import Version
from service.backends.embedded.warming import Warmer, split_sizes
from service.errors import BackendError


class WarmGraph:
    """Notes the sizes that it is warmed with; waits at its gate before each."""

    code_dim = 4
    signatures: dict[str, object] = {}  # noqa: RUF012 - nobody writes to it

    def __init__(self, failing_size: int = 0) -> None:
        self.gate = threading.Semaphore(0)
        self.sizes: list[int] = []
        self.threads: set[str] = set()
        self.is_closed = False
        self._failing_size = failing_size

    def warm_up(self, batch_sizes: tuple[int, ...]) -> None:
        """Take a size, or fail at it."""
        assert self.gate.acquire(timeout=60)
        assert not self.is_closed
        self.threads.add(threading.current_thread().name)
        self.sizes += batch_sizes
        if self._failing_size in batch_sizes:
            raise BackendError("no room")

    def close(self) -> None:
        """Must not come while a size is running."""
        self.is_closed = True


def build_version(number: int, graph: WarmGraph) -> Version:
    """An available version."""
    version = Version(VersionDirectory(number, Path(str(number)), ()))
    version.make_available(cast("LoadedGraph", graph), Companions(None, ()))
    return version


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition holds: threads have no events that a loop could wait for."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.001)


def test_first_sizes_are_the_least_and_the_most() -> None:
    """Each size is run once, now or later."""
    assert ((1, 2, 512), (3, 4, 64)) == split_sizes((1, 2, 3, 4, 64, 512))
    assert ((1, 2, 3), ()) == split_sizes((1, 2, 3))
    assert ((1,), ()) == split_sizes((1,))


async def test_every_size_is_run_in_a_thread_that_ends() -> None:
    """What TensorFlow keeps for the thread is freed with it."""
    graph = WarmGraph()
    graph.gate.release(3)
    warmer = Warmer((3, 4, 64))
    warmer.start(build_version(1, graph))
    await warmer.close()

    assert [3, 4, 64] == graph.sizes
    assert {"model-warmer_0"} == graph.threads
    assert not any(thread.name.startswith("model-warmer") for thread in threading.enumerate())


async def test_retiring_version_is_let_go_after_the_running_size() -> None:
    """Its graph is freed once that size is done, and the others are not run."""
    graph = WarmGraph()
    version = build_version(1, graph)
    warmer = Warmer((3, 4, 64))
    warmer.start(version)
    graph.gate.release()
    await until(lambda: graph.sizes)
    version.retire()
    released = asyncio.create_task(version.release())
    await asyncio.sleep(0)
    assert not graph.is_closed
    graph.gate.release()
    await released
    await warmer.close()

    assert [3, 4] == graph.sizes
    assert graph.is_closed


async def test_versions_are_warmed_one_at_a_time() -> None:
    """The second waits until the first is done."""
    graphs = [WarmGraph(), WarmGraph()]
    warmer = Warmer((3, 4))
    for number, graph in enumerate(graphs):
        warmer.start(build_version(number, graph))
    graphs[1].gate.release(2)
    graphs[0].gate.release()
    await until(lambda: graphs[0].sizes)
    assert not graphs[1].sizes
    graphs[0].gate.release()
    await warmer.close()

    assert [[3, 4], [3, 4]] == [graph.sizes for graph in graphs]


async def test_failing_size_is_told_and_ends_the_warming() -> None:
    """The version goes on answering, and the next one is warmed."""
    graphs = [WarmGraph(failing_size=4), WarmGraph()]
    warmer = Warmer((3, 4, 64))
    versions = [build_version(number, graph) for number, graph in enumerate(graphs)]
    with structlog.testing.capture_logs() as lines:
        for version, graph in zip(versions, graphs, strict=True):
            graph.gate.release(3)
            warmer.start(version)
        await warmer.close()

    assert [[3, 4], [3, 4, 64]] == [graph.sizes for graph in graphs]
    assert [("warm_up_failed", 0, "no room")] == [(line["event"], line["version"], line["error"]) for line in lines]
    assert ["AVAILABLE"] * 2 == [version.state for version in versions]
