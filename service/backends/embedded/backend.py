"""The embedded backend: runs batches on the shelf's versions, in threads of its own."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import structlog

from service.backends.embedded.graph_type import LoadedGraph
from service.backends.embedded.priority import give_way
from service.backends.embedded.quiet import held_back_stderr
from service.backends.embedded.runner import Runner
from service.backends.embedded.shelf import Shelf
from service.backends.embedded.warming import Warmer, split_sizes
from service.collector import collect_less_often, keep_from_collector
from service.domain import Answer, Call, Deadline, Origin, Rows, VersionStatus
from service.errors import InvalidCodeError
from service.settings import EmbeddedBackendSettings, ModelSettings
from service.startup import CannotStartError

_log = structlog.get_logger()


class MissingTensorFlowError(CannotStartError):
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
        max_small_rows: int = 64,
    ) -> None:
        """Prepare, and load nothing yet.

        Args:
            settings: Thread counts.
            model: Where the versions are, and which of them are wanted.
            max_batches: Most batches that will run at the same time; each gets a thread.
            warm_up_sizes: Batch sizes to run in advance: a few before a version may answer, the rest soon after.
            max_small_rows: Batches of more rows give way where others want the same processors.

        Raises:
            MissingTensorFlowError: If TensorFlow is not installed.
        """
        if find_spec("tensorflow") is None:
            raise MissingTensorFlowError(
                "the embedded backend needs TensorFlow: pip install 'digitcodec[embedded]', "
                "or choose a model server with DIGITCODEC_BACKEND__KIND=tfserving"
            )
        self._settings = settings
        self._first_sizes, later = split_sizes(warm_up_sizes)
        self._poll_interval_s = model.poll_interval_s
        self._loader = ThreadPoolExecutor(1, "model-loader")
        self._max_small_rows = max_small_rows
        self._runner = Runner(max_batches, "model-runner")
        self._bulk_runner = Runner(max_batches, "bulk-runner", give_way)
        self._warmer = Warmer(later)
        self._shelf = Shelf(model, self._load, self._loader, self._warmer.start)
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to follow the model's folder."""
        self._keeper = asyncio.create_task(self._keep_shelf())

    async def close(self) -> None:
        """Stop following the folder, let running batches finish, free every version."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._shelf.empty()
        await self._warmer.close()
        # What is under way ends first: not on the event loop, which still has answers to send.
        for end in (self._loader.shutdown, self._runner.close, self._bulk_runner.close):
            await asyncio.to_thread(end)

    def is_ready(self) -> bool:
        """True while at least one version can answer."""
        return self._shelf.is_stocked()

    def explain(self) -> str:
        """Why no version can answer; empty while one can."""
        return self._shelf.explain()

    def describe(self) -> list[VersionStatus]:
        """Every version that is or was wanted, newest first."""
        return self._shelf.describe()

    def assign_labels(self, labels: Mapping[str, int]) -> None:
        """Replace the labels of the settings until the next start; takes effect at once, and keeps what they name."""
        self._shelf.assign_labels(labels)

    async def run(self, call: Call, rows: Rows, deadline: Deadline, origins: Sequence[Origin] = ()) -> Answer:  # noqa: ARG002 - there is nobody to tell
        """Run one batch off the event loop; see `Backend.run`. A thread cannot be stopped: cancelling waits for it."""
        deadline.check()
        version = self._shelf.find(call.selector)
        with version.in_use() as graph:
            if call.signature == "decode" and rows.shape[1] != graph.code_dim:
                raise InvalidCodeError(f"codes of width {rows.shape[1]} came, this model's are {graph.code_dim} wide")
            runner = self._bulk_runner if len(rows) > self._max_small_rows else self._runner
            outputs = await runner.run(graph.run, call.signature, call.outputs, rows)
        return Answer(version.directory.version, outputs)

    def _load(self, path: Path) -> LoadedGraph:
        if "service.backends.embedded.graph" not in sys.modules:
            with held_back_stderr():
                from service.backends.embedded import graph

                graph.list_devices()
            keep_from_collector()
            collect_less_often()
        from service.backends.embedded.graph import load_warm_graph

        return load_warm_graph(path, self._settings.intra_op_threads, self._first_sizes)

    async def _keep_shelf(self) -> None:
        trouble = ""
        while True:
            try:
                await self._shelf.refresh()
                trouble = ""
            except Exception as error:  # noqa: BLE001 - a disk that fails now may work again; what is loaded goes on serving
                if trouble != repr(error):  # once, not at every look
                    _log.exception("versions_not_refreshed")
                trouble = repr(error)
            await asyncio.sleep(self._poll_interval_s)
