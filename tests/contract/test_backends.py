"""One suite for every backend, the unit tests' fake backend and fake server too: what is built on them really holds.

The remote backend asks the fake server on a socket, and our own model server in a process of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from support.fakes import FakeBackend, count_images
from support.serving_peer import open_backend, running_peer, until

from bench.running import RunningService, running_service
from service.backends.base import Backend
from service.backends.contract import DECODE, ENCODE, WANTED, check_answer
from service.backends.embedded import EmbeddedBackend
from service.domain import NEWEST, Answer, Call, Deadline, Rows, Selector
from service.errors import InvalidCodeError, NotFoundError, NotReadyError
from service.settings import EmbeddedBackendSettings, ModelSettings

pytestmark = pytest.mark.tensorflow

KINDS = ("fake", "embedded", "fake server", "model server")
LABELS = {"stable": 1}


@pytest.fixture(scope="module")
def toy_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with versions 1 and 2 of the toy."""
    from support.toy_model import export_toy

    root = tmp_path_factory.mktemp("models")
    for version in (1, 2):
        export_toy(root / "digits" / str(version), scale=float(version))
    return root


def build_embedded(root: Path) -> EmbeddedBackend:
    """TensorFlow in this process."""
    model = ModelSettings(root=root, keep_versions=2, labels=LABELS, poll_interval_s=0.01)
    return EmbeddedBackend(EmbeddedBackendSettings(), model, max_batches=1, warm_up_sizes=(1,))


@pytest.fixture(scope="module")
def toy_server(toy_root: Path) -> Iterator[RunningService]:
    """A model server of both versions, in a process of its own; its labels are the backend's affair."""
    settings = {"DIGITCODEC_MODEL__ROOT": str(toy_root), "DIGITCODEC_MODEL__KEEP_VERSIONS": "2"}
    with running_service(settings, "model-server") as running:
        yield running


@asynccontextmanager
async def opened(kind: str, request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """A started backend of the kind, with versions 1 and 2, of which 1 is called stable."""
    if kind == "fake server":
        async with running_peer(1, 2) as peer, open_backend(peer.target, labels=LABELS) as remote:
            yield remote
    elif kind == "model server":
        address = request.getfixturevalue("toy_server").grpc
        async with open_backend(f"ipv4:{address}", labels=LABELS) as remote:
            yield remote
    else:
        root = request.getfixturevalue("toy_root")
        local = FakeBackend(1, 2, labels=LABELS) if kind == "fake" else build_embedded(root)
        await local.start()
        yield local
        await local.close()


@pytest.fixture(params=KINDS)
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """A backend that has loaded both versions."""
    async with opened(request.param, request) as backend:
        await until(lambda: ["AVAILABLE", "AVAILABLE"] == [status.state for status in backend.describe()], 120)
        yield backend


def run(backend: Backend, call: Call, rows: Rows) -> asyncio.Task[Answer]:
    """Start a batch with time enough."""
    return asyncio.create_task(asyncio.wait_for(backend.run(call, rows, Deadline.after(60)), 60))


def width_of(backend: Backend) -> int:
    """The code width of the newest version."""
    width = backend.describe()[0].code_dim
    assert width is not None
    return width


def rows_for(backend: Backend, call: Call, count: int) -> Rows:
    """Rows that the call takes."""
    if call.signature == "decode":
        return np.linspace(0, 1, count * width_of(backend), dtype=np.float32).reshape(count, -1)
    return count_images(count)


@pytest.mark.parametrize(("signature", "outputs"), WANTED)
@pytest.mark.parametrize("count", [1, 3])
async def test_answers_exactly_what_is_wanted(
    backend: Backend, signature: str, outputs: tuple[str, ...], count: int
) -> None:
    """Every call of the codec is answered within contract one, with the wanted outputs and no others."""
    call = Call(signature, outputs)  # type: ignore[arg-type]  # a parametrized string
    answer = await run(backend, call, rows_for(backend, call, count))

    check_answer(call, count, answer)
    assert set(outputs) == set(answer.outputs)


async def test_rows_do_not_depend_on_their_neighbours(backend: Backend) -> None:
    """A row alone has the answer that it has among others."""
    images = count_images(5)
    together = await run(backend, Call("encode", ENCODE), images)
    alone = [await run(backend, Call("encode", ENCODE), images[place : place + 1]) for place in range(5)]

    assert np.array_equal(together.outputs["codes"], np.concatenate([answer.outputs["codes"] for answer in alone]))


@pytest.mark.parametrize(
    ("selector", "version"),
    [(NEWEST, 2), (Selector(version=1), 1), (Selector(version=2), 2), (Selector(label="stable"), 1)],
)
async def test_selector_chooses_the_version(backend: Backend, selector: Selector, version: int) -> None:
    """The newest by default, otherwise the one that is named."""
    answer = await run(backend, Call("encode", ENCODE, selector), count_images(1))

    assert version == answer.version


@pytest.mark.parametrize("selector", [Selector(version=9), Selector(label="unknown")])
async def test_unknown_version_is_not_found(backend: Backend, selector: Selector) -> None:
    """Asking for what is not there is told."""
    with pytest.raises(NotFoundError):
        await run(backend, Call("encode", ENCODE, selector), count_images(1))


async def test_codes_of_another_width_are_refused(backend: Backend) -> None:
    """They are the caller's mistake."""
    with pytest.raises(InvalidCodeError):
        await run(backend, Call("decode", DECODE), np.zeros((1, width_of(backend) + 1), np.float32))


async def test_describes_its_versions(backend: Backend) -> None:
    """Newest first, with labels and code width."""
    assert [(2, ()), (1, ("stable",))] == [(status.version, status.labels) for status in backend.describe()]
    assert {width_of(backend)} == {status.code_dim for status in backend.describe()}


@pytest.mark.parametrize("kind", KINDS)
async def test_explains_exactly_what_is_not_ready(kind: str, request: pytest.FixtureRequest) -> None:
    """There is a reason from the start until a version can answer, and again after the end."""
    seen: list[tuple[bool, bool]] = []

    def is_ready_by(backend: Backend) -> bool:
        seen.append((backend.is_ready(), bool(backend.explain())))
        return backend.is_ready()

    async with opened(kind, request) as backend:
        await until(lambda: is_ready_by(backend), 120)
    is_ready_by(backend)

    assert {(True, False), (False, True)} == set(seen)


async def test_closed_backend_is_not_ready(backend: Backend) -> None:
    """After close nothing runs any more."""
    assert backend.is_ready()
    await backend.close()

    assert not backend.is_ready()
    with pytest.raises(NotReadyError):
        await run(backend, Call("encode", ENCODE), count_images(1))
