"""One version of the model from the moment it is found to the moment it is gone."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from service.backends.embedded.disk import Companions, VersionDirectory
from service.backends.embedded.graph_type import LoadedGraph
from service.domain import VersionStatus

State = Literal["LOADING", "AVAILABLE", "UNLOADING", "END"]

# A failure may lie in the machine and not in the files: memory, a disk that answers again.
_RETRY_AFTER_S = 60.0


class Version:
    """Its directory, its graph while it has one, and how many batches are running on it."""

    def __init__(self, directory: VersionDirectory) -> None:
        self.directory = directory
        self.state: State = "LOADING"
        self.error: str | None = None
        self.graph: LoadedGraph | None = None
        self._companions = Companions(None, ())
        self._failed_at_s = 0.0
        self._batches = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def make_available(self, graph: LoadedGraph, companions: Companions) -> None:
        """Let it answer from now on."""
        self.graph, self._companions, self.state = graph, companions, "AVAILABLE"

    def fail(self, error: str) -> None:
        """It could not be loaded."""
        self.state, self.error, self._failed_at_s = "END", error, time.monotonic()

    def note_trouble(self, error: str) -> None:
        """Tell of something that it cannot do, while it goes on answering."""
        self.error = error

    def is_worth_a_try(self) -> bool:
        """True if it retired in good health, or failed some time ago."""
        has_rested = self.error is None or time.monotonic() - self._failed_at_s > _RETRY_AFTER_S
        return self.state == "END" and has_rested

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

    def retire(self) -> None:
        """Take no new batch."""
        self.state = "UNLOADING"

    async def release(self) -> None:
        """Let the running batches of a retired version finish, then free the graph."""
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
            missing=self._companions.missing,
            card=self._companions.card,
        )
