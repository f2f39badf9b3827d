"""The versions at hand: which of those on disk are wanted, which of them answer, and which one a caller means."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path

import structlog

from service.backends.embedded.disk import (
    CANNOT_BE_LOADED,
    Companions,
    UnusableModelError,
    VersionDirectory,
    find_versions,
)
from service.backends.embedded.graph_type import LoadedGraph
from service.backends.embedded.version import Version
from service.backends.labels import LabelReport, describe_target, describe_unknown
from service.domain import Selector, VersionStatus
from service.errors import NotFoundError, NotReadyError
from service.settings import ModelSettings

_log = structlog.get_logger()


class Shelf:
    """Follows the model's folder: loads what is wanted, newest first, and retires what no longer is.

    Wanted are the newest `keep_versions` that can be loaded, and every labelled one. A damaged version is reported
    and passed over; it is tried again when its files change, or after a minute. A new version can answer before the old
    one retires, and the last one that works stays even if its folder disappears.
    """

    def __init__(
        self,
        model: ModelSettings,
        load: Callable[[Path], LoadedGraph],
        loader: Executor,
        note_available: Callable[[Version], None],
    ) -> None:
        """Have nothing at hand yet.

        Args:
            model: Where the versions are, and which of them are wanted.
            load: Makes a graph of a version directory; takes a while.
            loader: Where that is done.
            note_available: Hears of each version that can answer from now on.
        """
        self._model = model
        self._labels = dict(model.labels)
        self._load = load
        self._loader = loader
        self._note_available = note_available
        self._versions: dict[int, Version] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._folder = model.root / model.name
        self._was_empty = False
        self._label_report = LabelReport(_log.bind(model=model.name))

    async def refresh(self) -> None:
        """Look at the disk once, and make the shelf what it should be."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._loader, find_versions, self._folder)
        self._tell_if_empty(found)
        self._forget_gone(found)
        wanted = await self._fetch_wanted(found)
        available = {version.directory.version: version for version in self._available()}
        # Loading takes a while, in which a label may have come to a version that is there already.
        wanted |= self._labels.values() & found.keys() & available.keys()
        for number in available.keys() - wanted if wanted else ():
            self._retire(available[number])
        self._label_report.tell(self._labels, self.describe())

    def assign_labels(self, labels: Mapping[str, int]) -> None:
        """Replace all labels, from the next `find` on; from the next look at the disk, labelled versions are wanted.

        Args:
            labels: Version by label; a version that does not answer may have one and is not found by it meanwhile.
        """
        self._labels = dict(labels)
        _log.info("labels_assigned", model=self._model.name, labels=self._labels)

    async def empty(self) -> None:
        """Retire everything, and wait until the last batch has finished."""
        for version in self._available():
            self._retire(version)
        await asyncio.gather(*self._retiring)

    def find(self, selector: Selector) -> Version:
        """The version that a caller means.

        Raises:
            NotFoundError: If there is no such version or label.
            NotReadyError: If it, or the first one at all, is still being loaded.
        """
        if selector.label is not None:
            return self._find_labelled(selector.label)
        if selector.version is not None:
            return self._find_numbered(selector.version, f"version {selector.version} of {self._model.name} is")
        available = self._available()
        if not available:
            raise NotReadyError(self.explain())
        return max(available, key=lambda version: version.directory.version)

    def is_stocked(self) -> bool:
        """True while at least one version can answer."""
        return bool(self._available())

    def explain(self) -> str:
        """Why no version can answer, in a sentence for operators; empty while one can."""
        if self.is_stocked():
            return ""
        newest = max(self._versions, default=None)
        error = self._versions[newest].error if newest is not None else None
        if error is None:
            return f"no version of {self._model.name} is loaded yet"
        return f"version {newest} of {self._model.name} cannot be loaded: {error.removeprefix(CANNOT_BE_LOADED)}"

    def describe(self) -> list[VersionStatus]:
        """Every version on the shelf, newest first."""
        numbers = sorted(self._versions, reverse=True)
        return [self._versions[number].describe(self._labels_of(number)) for number in numbers]

    def _find_labelled(self, label: str) -> Version:
        if label not in self._labels:
            raise NotFoundError(describe_unknown(label, self._model.name, self._labels))
        number = self._labels[label]
        return self._find_numbered(number, describe_target(label, number, self._model.name))

    def _find_numbered(self, number: int, what: str) -> Version:
        version = self._versions.get(number)
        if not self._versions or (version is not None and version.state == "LOADING"):
            raise NotReadyError(f"{what} not loaded yet")
        if version is None or version.state != "AVAILABLE":
            numbers = sorted(version.directory.version for version in self._available())
            raise NotFoundError(f"{what} not loaded; loaded are {numbers}")
        return version

    def _available(self) -> list[Version]:
        return [version for version in self._versions.values() if version.state == "AVAILABLE"]

    def _labels_of(self, number: int) -> tuple[str, ...]:
        return tuple(sorted(label for label, labelled in self._labels.items() if labelled == number))

    def _tell_if_empty(self, found: dict[int, VersionDirectory]) -> None:
        if not found and not self._was_empty:
            _log.warning(
                "no_versions_found",
                folder=str(self._folder.resolve()),
                advice="waiting for one; DIGITCODEC_MODEL__ROOT and DIGITCODEC_MODEL__NAME choose the folder",
            )
        self._was_empty = not found

    def _forget_gone(self, found: dict[int, VersionDirectory]) -> None:
        for number, version in list(self._versions.items()):
            if version.state == "END" and found.get(number) != version.directory:
                del self._versions[number]

    async def _fetch_wanted(self, found: dict[int, VersionDirectory]) -> set[int]:
        labelled = set(self._labels.values())
        wanted: set[int] = set()
        room = self._model.keep_versions
        for number, directory in found.items():
            if (room > 0 or number in labelled) and await self._fetch(directory):
                wanted.add(number)
                room -= 1
        return wanted

    async def _fetch(self, directory: VersionDirectory) -> bool:
        """Load the version unless it is there or has just failed; true if it can answer."""
        known = self._versions.get(directory.version)
        if known is None or known.is_worth_a_try():
            known = await self._load_version(directory, told=known.error if known else None)
        return known.state == "AVAILABLE"

    async def _load_version(self, directory: VersionDirectory, told: str | None) -> Version:
        """Load, whatever comes of it; a failure that was `told` before is not logged again."""
        version = self._versions[directory.version] = Version(directory)
        loop = asyncio.get_running_loop()
        started = loop.time()
        log = _log.bind(model=self._model.name, version=directory.version)
        try:
            version.make_available(*await loop.run_in_executor(self._loader, self._load_whole, directory))
        except Exception as error:
            is_expected = isinstance(error, UnusableModelError)
            version.fail(str(error) if is_expected else f"{CANNOT_BE_LOADED}{type(error).__name__}: {error}")
            if version.error != told:
                log.error("version_unusable", error=version.error, exc_info=not is_expected)  # noqa: TRY400 - a damaged file needs no traceback
        else:
            log.info("version_available", seconds=round(loop.time() - started, 3))
            self._note_available(version)
        return version

    def _load_whole(self, directory: VersionDirectory) -> tuple[LoadedGraph, Companions]:
        return self._load(directory.path), directory.read_companions()

    def _retire(self, version: Version) -> None:
        version.retire()
        task = asyncio.get_running_loop().create_task(version.release())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
        _log.info("version_retires", model=self._model.name, version=version.directory.version)
