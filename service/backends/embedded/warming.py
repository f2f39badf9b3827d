"""Shows versions that answer already the batch sizes that they have not met yet."""

import asyncio

import structlog

from service.backends.embedded.priority import give_way
from service.backends.embedded.runner import Runner
from service.backends.embedded.version import Version

_log = structlog.get_logger()


def split_sizes(sizes: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sizes to run before a version may answer, and those that can wait.

    One row, two and the most of all: what TensorFlow does once for a whole graph is done by then, and a graph that
    takes only one size, or not a large one, is found out.

    Args:
        sizes: All of them, smallest first.
    """
    first = (*sizes[:2], *sizes[2:][-1:])
    return first, tuple(size for size in sizes if size not in first)


class Warmer:
    """Runs the remaining batch sizes on a version, in a thread that gives way to those that serve.

    TensorFlow prepares its kernels anew for each size that it has not seen, which costs the first caller up to a
    millisecond. All sizes together cost as much as the rest of the start, so nobody waits for them. One version is
    warmed at a time; a version that retires meanwhile is let go of after the size that is running.
    """

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self._sizes = sizes
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, version: Version) -> None:
        """Warm this version when its turn comes."""
        task = asyncio.get_running_loop().create_task(self._take_turn(version))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait until nothing is warmed any more; all versions have retired."""
        await asyncio.gather(*self._tasks)

    async def _take_turn(self, version: Version) -> None:
        async with self._turn:
            # A thread of its own each time: what TensorFlow keeps for a thread, some 20 MB, goes with it.
            runner = Runner(1, "model-warmer", give_way)
            try:
                await self._warm(version, runner)
            except Exception as error:  # noqa: BLE001 - whatever it is, the version goes on with what it can
                version.note_trouble(f"cannot run every batch size: {error}")
                _log.warning("warm_up_failed", version=version.directory.version, error=str(error), exc_info=error)
            finally:
                await asyncio.to_thread(runner.close)  # it gives way, so it may take its time

    async def _warm(self, version: Version, runner: Runner) -> None:
        for size in self._sizes:
            if version.state != "AVAILABLE":
                return
            with version.in_use() as graph:
                await runner.run(graph.warm_up, (size,))
