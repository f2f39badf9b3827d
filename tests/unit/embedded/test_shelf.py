"""Which versions are wanted, and which one a caller means: the shelf with graphs that a test makes up."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from support.serving_peer import EventLog

from service.backends.embedded.disk import UnusableModelError
from service.backends.embedded.graph_type import LoadedGraph
from service.backends.embedded.shelf import Shelf
from service.domain import Rows, Selector, Signature
from service.errors import NotFoundError, NotReadyError
from service.settings import ModelSettings


@dataclass
class PaperGraph:
    """Stands for a loaded SavedModel; its directory's `saved_model.pb` says whether it can be loaded."""

    code_dim: int = 4
    signatures: dict[str, object] = field(default_factory=dict)
    is_closed: bool = False

    def run(self, signature: Signature, outputs: tuple[str, ...], rows: Rows) -> dict[str, Rows]:
        """Never asked here."""
        raise AssertionError

    def close(self) -> None:
        """Remember it."""
        self.is_closed = True


@dataclass
class Library:
    """A model folder, its shelf, every load that the shelf asked for, and what happens meanwhile."""

    root: Path
    executor: ThreadPoolExecutor
    loads: list[int] = field(default_factory=list)
    while_loading: Callable[[], None] = lambda: None

    def put(self, number: int, text: str = "good") -> Path:
        """Publish a version."""
        path = self.root / "digits" / str(number)
        path.mkdir(parents=True, exist_ok=True)
        (path / "saved_model.pb").write_text(text)
        return path

    def shelf(self, keep_versions: int = 1, **labels: int) -> Shelf:
        """A shelf over this folder."""
        model = ModelSettings(root=self.root, keep_versions=keep_versions, labels=labels)
        return Shelf(model, self.load, self.executor, note_available=lambda _: None)

    def load(self, path: Path) -> LoadedGraph:
        """What the shelf calls in its loader thread."""
        self.loads.append(int(path.name))
        self.while_loading()
        text = (path / "saved_model.pb").read_text()
        if text == "surprise":
            raise MemoryError("no room")
        if text != "good":
            raise UnusableModelError("is bad")
        return cast("LoadedGraph", PaperGraph())


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    """An empty folder."""
    with ThreadPoolExecutor(1) as executor:
        yield Library(tmp_path, executor)


def states(shelf: Shelf) -> dict[int, str]:
    """State by version number."""
    return {status.version: status.state for status in shelf.describe()}


async def test_newest_is_loaded_and_replaced(library: Library) -> None:
    """A look loads the newest version only; the next look at a newer one swaps them."""
    library.put(1), library.put(2)
    shelf = library.shelf()
    await shelf.refresh()
    assert [2] == library.loads
    library.put(3)
    await shelf.refresh()
    await asyncio.sleep(0)

    assert {3: "AVAILABLE", 2: "END"} == states(shelf)
    assert 3 == shelf.find(Selector()).directory.version


async def test_damaged_newest_falls_back_and_is_not_tried_again(library: Library) -> None:
    """A bad version is tried once; the next best one fills its place."""
    library.put(1), library.put(2, "bad")
    shelf = library.shelf()
    for _ in range(3):
        await shelf.refresh()

    assert [2, 1] == library.loads
    assert {2: "END", 1: "AVAILABLE"} == states(shelf)
    assert "is bad" == shelf.describe()[0].error


async def test_repaired_version_is_tried_again(library: Library) -> None:
    """New files make a failed version worth another try."""
    library.put(1, "bad")
    shelf = library.shelf()
    await shelf.refresh()
    library.put(1, "good now? no")
    await shelf.refresh()
    library.put(1, "good")
    await shelf.refresh()

    assert [1, 1, 1] == library.loads
    assert {1: "AVAILABLE"} == states(shelf)


async def test_last_version_outlives_its_folder(library: Library) -> None:
    """Deleting the model under a running service does not stop it."""
    folder = library.put(1).parent
    shelf = library.shelf()
    await shelf.refresh()
    shutil.rmtree(folder)
    await shelf.refresh()

    assert {1: "AVAILABLE"} == states(shelf)
    assert 1 == shelf.find(Selector()).directory.version


async def test_older_version_returns_when_the_newer_is_deleted(library: Library) -> None:
    """Deleting a bad release on disk is a rollback."""
    library.put(1)
    newer = library.put(2)
    shelf = library.shelf()
    await shelf.refresh()
    shutil.rmtree(newer)
    await shelf.refresh()
    await asyncio.sleep(0)
    await shelf.refresh()

    assert {1: "AVAILABLE"} == states(shelf)


async def test_version_in_use_retires_only_afterwards(library: Library) -> None:
    """A batch that runs on the old version finishes on it; then its graph is freed."""
    library.put(1)
    shelf = library.shelf()
    await shelf.refresh()
    old = shelf.find(Selector())
    with old.in_use() as graph:
        library.put(2)
        await shelf.refresh()
        await asyncio.sleep(0)
        assert "UNLOADING" == states(shelf)[1]
        assert not cast("PaperGraph", graph).is_closed
    await shelf.empty()

    assert cast("PaperGraph", graph).is_closed
    assert {1: "END", 2: "END"} == states(shelf)


async def test_version_in_use_twice_outlives_the_first_batch(library: Library) -> None:
    """Of two batches that overlap on a retiring version, the first to end does not free the other's graph."""
    library.put(1)
    shelf = library.shelf()
    await shelf.refresh()
    old = shelf.find(Selector())
    with old.in_use() as graph:
        with old.in_use():
            library.put(2)
            await shelf.refresh()
        await asyncio.sleep(0)
        assert not cast("PaperGraph", graph).is_closed
    await shelf.empty()

    assert cast("PaperGraph", graph).is_closed


async def test_unforeseen_failure_is_a_failed_version(library: Library) -> None:
    """Whatever a load raises, the version is told as failed, the older one serves, and it is not tried at once."""
    library.put(1), library.put(2, "surprise")
    shelf = library.shelf()
    for _ in range(2):
        await shelf.refresh()

    assert [2, 1] == library.loads
    assert {2: "END", 1: "AVAILABLE"} == states(shelf)
    assert "cannot be loaded: MemoryError: no room" == shelf.describe()[0].error


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ({}, "no version of digits is loaded yet"),
        ({1: "bad", 2: "surprise"}, "version 2 of digits cannot be loaded: MemoryError: no room"),
        ({1: "surprise", 2: "bad"}, "version 2 of digits cannot be loaded: is bad"),
        ({1: "good", 2: "bad"}, ""),
    ],
)
async def test_says_why_nothing_answers(library: Library, texts: dict[int, str], reason: str) -> None:
    """Where all have failed, the newest one's error counts; callers are told the same."""
    for number, text in texts.items():
        library.put(number, text)
    shelf = library.shelf()
    assert "no version of digits is loaded yet" == shelf.explain()
    await shelf.refresh()

    assert reason == shelf.explain()
    if reason:
        with pytest.raises(NotReadyError) as caught:
            shelf.find(Selector())
        assert reason == caught.value.detail


async def test_empty_folder_is_named_once_and_in_full(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the settings spell it."""
    log = EventLog()
    monkeypatch.setattr("service.backends.embedded.shelf._log", log)
    library.root = library.root / "nowhere" / ".."
    shelf = library.shelf()
    for _ in range(2):
        await shelf.refresh()

    assert ["no_versions_found"] == log.events
    assert str(library.root.resolve() / "digits") == log.lines[0][1]["folder"]


async def test_labels_without_a_version_are_told(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the operator once, when everything wanted is loaded, and to callers who use them."""
    log = EventLog()
    monkeypatch.setattr("service.backends.embedded.shelf._log", log)
    library.put(1), library.put(2)
    shelf = library.shelf(stable=1, canary=7)
    with pytest.raises(NotReadyError, match="label 'canary' points to version 7 of digits, which is not loaded yet"):
        shelf.find(Selector(label="canary"))
    for _ in range(2):
        await shelf.refresh()

    assert {"label": "canary", "version": 7} == dict(log.lines)["label_without_version"]
    assert 1 == log.events.count("label_without_version")
    text = r"label 'canary' points to version 7 of digits, which is not loaded; loaded are \[1, 2\]"
    with pytest.raises(NotFoundError, match=text):
        shelf.find(Selector(label="canary"))


async def test_failed_version_is_tried_again_after_a_while(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure may lie in the machine, so that a minute later the same files can be good."""
    library.put(1, "surprise")
    shelf = library.shelf()
    await shelf.refresh()
    monkeypatch.setattr("service.backends.embedded.version._RETRY_AFTER_S", -1.0)
    await shelf.refresh()

    assert [1, 1] == library.loads


async def test_new_variables_make_another_try(library: Library) -> None:
    """A version that was still being copied is tried again when its last file arrives, whichever that is."""
    path = library.put(1, "bad")
    (path / "variables").mkdir()
    shelf = library.shelf()
    await shelf.refresh()
    (path / "variables" / "variables.data-00000-of-00001").write_text("numbers")
    await shelf.refresh()

    assert [1, 1] == library.loads


async def test_labelled_versions_stay(library: Library) -> None:
    """A label keeps an old version, and names it."""
    for number in (1, 2, 3):
        library.put(number)
    shelf = library.shelf(stable=1)
    await shelf.refresh()

    assert {3: "AVAILABLE", 1: "AVAILABLE"} == states(shelf)
    assert 1 == shelf.find(Selector(label="stable")).directory.version
    assert ("stable",) == shelf.describe()[1].labels


async def test_what_a_caller_may_not_mean(library: Library) -> None:
    """Before the first look nothing is ready; afterwards the unknown is not found."""
    library.put(1)
    shelf = library.shelf(lost=9)
    for selector in (Selector(), Selector(version=1), Selector(label="lost")):
        with pytest.raises(NotReadyError):
            shelf.find(selector)
    await shelf.refresh()

    for selector in (Selector(version=2), Selector(label="lost"), Selector(label="unknown")):
        with pytest.raises(NotFoundError):
            shelf.find(selector)


async def test_labels_can_be_replaced_while_versions_are_loaded(library: Library) -> None:
    """New labels choose at once, old ones are gone, and what is labelled stays when a newer version comes."""
    library.put(1), library.put(2)
    shelf = library.shelf(keep_versions=2, old=1)
    await shelf.refresh()
    labels = {"stable": 1}
    shelf.assign_labels(labels)
    labels["stable"] = 2

    assert 1 == shelf.find(Selector(label="stable")).directory.version
    assert {2: (), 1: ("stable",)} == {status.version: status.labels for status in shelf.describe()}
    with pytest.raises(NotFoundError, match=r"no label 'old'; it has \['stable'\]"):
        shelf.find(Selector(label="old"))
    library.put(3), library.put(4)
    await shelf.refresh()

    assert {4, 3, 1} == {number for number, state in states(shelf).items() if state == "AVAILABLE"}


async def test_version_that_loses_its_label_retires(library: Library) -> None:
    """Without a label it is kept no longer than any other."""
    library.put(1), library.put(2)
    shelf = library.shelf(stable=1)
    await shelf.refresh()
    shelf.assign_labels({})
    await shelf.refresh()

    assert "AVAILABLE" != states(shelf)[1]


async def test_label_that_comes_while_another_version_loads_counts(library: Library) -> None:
    """The version is there, so that it answers by its label ever after."""
    library.put(1)
    shelf = library.shelf()
    await shelf.refresh()
    library.put(2)
    library.while_loading = lambda: shelf.assign_labels({"stable": 1})
    await shelf.refresh()

    assert {2: "AVAILABLE", 1: "AVAILABLE"} == states(shelf)


async def test_label_of_a_damaged_version_keeps_nothing_out(library: Library) -> None:
    """The last version that works outlives its folder, even where a damaged one has the label."""
    folder = library.put(1)
    shelf = library.shelf(stable=2)
    await shelf.refresh()
    shutil.rmtree(folder)
    library.put(2, "bad")
    await shelf.refresh()

    assert {2: "END", 1: "AVAILABLE"} == states(shelf)
