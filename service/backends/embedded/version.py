"""One version of the model from the moment it is found to the moment it is gone."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from service.backends.embedded.disk import VersionDirectory
from service.backends.embedded.graph_type import LoadedGraph
from service.domain import VersionStatus

State = Literal["LOADING", "AVAILABLE", "UNLOADING", "END"]


class Version:
    """Its directory, its graph while it has one, and how many batches are running on it."""

    def __init__(self, directory: VersionDirectory) -> None:
        self.directory = directory
        self.state: State = "LOADING"
        self.error: str | None = None
        self.graph: LoadedGraph | None = None
        self._card: dict[str, Any] | None = None
        self._missing: tuple[str, ...] = ()
        self._batches = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def make_available(self, graph: LoadedGraph) -> None:
        """Let it answer from now on."""
        self.graph, self.state = graph, "AVAILABLE"
        self._missing = self.directory.find_missing()
        try:
            self._card = self.directory.load_card()
        except (OSError, ValueError) as error:  # a version serves without its card; /models says so
            self._missing = (*self._missing, f"a readable model card: {error}")

    def fail(self, error: str) -> None:
        """It could not be loaded."""
        self.state, self.error = "END", error

    @contextmanager
    def in_use(self) -> Iterator[LoadedGraph]:
        """The graph, kept until the block ends even if the version retires meanwhile."""
        if self.graph is None:
            raise RuntimeError(f"version {self.directory.version} is {self.state}. This is a bug")
        self._batches += 1
        self._idle.clear()
        try:
            yield self.graph
        finally:
            self._batches -= 1
            if not self._batches:
                self._idle.set()

    async def retire(self) -> None:
        """Take no new batch, let the running ones finish, then free the graph."""
        self.state = "UNLOADING"
        await self._idle.wait()
        if self.graph is not None:
            self.graph.close()
        self.graph, self.state = None, "END"

    def describe(self, labels: tuple[str, ...]) -> VersionStatus:
        """Its public face."""
        return VersionStatus(
            version=self.directory.version,
            state=self.state,
            error=self.error,
            code_dim=self.graph.code_dim if self.graph else None,
            labels=labels,
            signatures=self.graph.signatures if self.graph else {},
            missing=self._missing,
            card=self._card,
        )
