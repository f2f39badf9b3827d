"""The embedded backend: runs batches on the shelf's versions, in threads of its own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import structlog

from service.backends.embedded.graph_type import LoadedGraph
from service.backends.embedded.quiet import held_back_stderr
from service.backends.embedded.shelf import Shelf
from service.domain import Answer, Call, Deadline, Rows, Selector, VersionStatus
from service.errors import InvalidCodeError
from service.settings import EmbeddedBackendSettings, ModelSettings

_log = structlog.get_logger()


class MissingTensorFlowError(Exception):
    """TensorFlow is not installed, so there can be no embedded backend."""


class EmbeddedBackend:
    """TensorFlow in this process; implements `service.backends.base.Backend`.

    TensorFlow is imported by the thread that loads the first version, so that the doors are open meanwhile.
    """

    def __init__(
        self,
        settings: EmbeddedBackendSettings,
        model: ModelSettings,
        *,
        max_batches: int,
        warm_up_sizes: tuple[int, ...],
    ) -> None:
        """Prepare, and load nothing yet.

        Args:
            settings: Thread counts.
            model: Where the versions are, and which of them are wanted.
            max_batches: Most batches that will run at the same time; each gets a thread.
            warm_up_sizes: Batch sizes to run before a version may answer.

        Raises:
            MissingTensorFlowError: If TensorFlow is not installed.
        """
        if find_spec("tensorflow") is None:
            raise MissingTensorFlowError("the embedded backend needs TensorFlow: pip install 'digitcodec[embedded]'")
        self._settings = settings
        self._warm_up_sizes = warm_up_sizes
        self._poll_interval_s = model.poll_interval_s
        self._loader = ThreadPoolExecutor(1, "model-loader")
        self._runners = ThreadPoolExecutor(max_batches, "model-runner")
        self._shelf = Shelf(model, self._load, self._loader)
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to follow the model's folder."""
        self._keeper = asyncio.create_task(self._keep_shelf())

    async def close(self) -> None:
        """Stop following the folder, let running batches finish, free every version."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        await self._shelf.empty()
        self._loader.shutdown()
        self._runners.shutdown()

    def is_ready(self) -> bool:
        """True while at least one version can answer."""
        return self._shelf.is_stocked()

    def describe(self) -> list[VersionStatus]:
        """Every version that is or was wanted, newest first."""
        return self._shelf.describe()

    def find_code_dim(self, selector: Selector) -> int:
        """The code width of the version that `selector` means now; errors as `Shelf.find`."""
        with self._shelf.find(selector).in_use() as graph:
            return graph.code_dim

    async def run(self, call: Call, rows: Rows, deadline: Deadline) -> Answer:
        """Run one batch off the event loop; see `Backend.run`."""
        deadline.check()
        version = self._shelf.find(call.selector)
        with version.in_use() as graph:
            if call.signature == "decode" and rows.shape[1] != graph.code_dim:
                raise InvalidCodeError(f"codes of width {rows.shape[1]} came, this model's are {graph.code_dim} wide")
            loop = asyncio.get_running_loop()
            outputs = await loop.run_in_executor(self._runners, graph.run, call.signature, call.outputs, rows)
        return Answer(version.directory.version, outputs)

    def _load(self, path: Path) -> LoadedGraph:
        with held_back_stderr():
            from service.backends.embedded.graph import Graph, list_devices

            list_devices()
        graph = Graph(path, self._settings.intra_op_threads)
        graph.warm_up(self._warm_up_sizes)
        return graph

    async def _keep_shelf(self) -> None:
        while True:
            try:
                await self._shelf.refresh()
            except Exception:  # noqa: BLE001 - a disk that fails now may work again; what is loaded goes on serving
                _log.exception("versions_not_refreshed")
            await asyncio.sleep(self._poll_interval_s)
