"""The life of versions in the embedded backend, on toy SavedModels that it really loads."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from service.backends.contract import DECODE, ENCODE, RECONSTRUCT
from service.backends.embedded import EmbeddedBackend
from service.domain import Answer, Call, Deadline, Images, Selector, VersionStatus
from service.errors import InvalidCodeError, NotFoundError, NotReadyError
from service.settings import EmbeddedBackendSettings, ModelSettings

pytestmark = pytest.mark.tensorflow

_TREE = Path(__file__).resolve().parents[2]
_LEAN = """
import sys
from pathlib import Path
import numpy as np
from service.backends.embedded.disk import UnusableModelError
from service.backends.embedded.graph import load_warm_graph
from service.errors import BackendError
graph = load_warm_graph(Path("models/digits/1"), 1, (1, 2))
try:
    graph.run("decode", ("images",), np.zeros((1, 5), np.float32))
except BackendError:
    graph.close()
try:
    load_warm_graph(Path("models/digits"), 1, (1,))
except UnusableModelError:
    heavy = {"tensorflow", "keras", "scipy", "sklearn", "matplotlib", "pandas", "h5py"} & set(sys.modules)
import tensorflow as tf
print(sorted(heavy), tf.function(lambda x: x + tf.keras.ops.ones(2))(tf.constant([4.0, 6.0])).numpy().tolist())
"""

Serve = Callable[..., AbstractAsyncContextManager[EmbeddedBackend]]


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Three toy versions, made once: the codes of version n are n times those of version 1."""
    from support.toy_model import export_toy

    folder = tmp_path_factory.mktemp("toys")
    return {number: export_toy(folder / str(number), scale=float(number)) for number in (1, 2, 3)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty model folder."""
    (tmp_path / "digits").mkdir()
    return tmp_path


@pytest.fixture
def serve(root: Path) -> Serve:
    """Starts backends that look at the disk every few milliseconds."""

    @asynccontextmanager
    async def start(keep_versions: int = 1, labels: dict[str, int] | None = None) -> AsyncIterator[EmbeddedBackend]:
        model = ModelSettings(root=root, keep_versions=keep_versions, labels=labels or {}, poll_interval_s=0.005)
        backend = EmbeddedBackend(EmbeddedBackendSettings(), model, max_batches=2, warm_up_sizes=(1, 2))
        await backend.start()
        try:
            yield backend
        finally:
            await backend.close()

    return start


def publish(root: Path, toy: Path, number: int) -> Path:
    """Put a copy of a toy into place as the trainer does: whole, then renamed."""
    target = root / "digits" / str(number)
    shutil.copytree(toy, root / f".{number}")
    return (root / f".{number}").rename(target)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a state that is sure to come; a test that waits in vain is ended by its time limit."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the disk and TensorFlow's threads change it; they know no event
            await asyncio.sleep(0.002)


def describe(backend: EmbeddedBackend) -> dict[int, VersionStatus]:
    """The backend's versions by number."""
    return {status.version: status for status in backend.describe()}


def is_available(backend: EmbeddedBackend, number: int) -> bool:
    """True if the version answers."""
    return number in describe(backend) and describe(backend)[number].state == "AVAILABLE"


def random_images(count: int) -> Images:
    """Images that differ."""
    return np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)


async def encode(backend: EmbeddedBackend, selector: Selector = Selector()) -> Answer:  # noqa: B008 - immutable
    """Encode one image."""
    return await backend.run(Call("encode", ENCODE, selector), random_images(1), Deadline.after(60))


async def test_newest_version_answers(serve: Serve, root: Path, toys: dict[int, Path]) -> None:
    """Of two versions the higher number is loaded, computes what the graph says, and only it stays loaded."""
    from support.toy_model import toy_codes, toy_images

    publish(root, toys[1], 9)
    publish(root, toys[2], 10)
    async with serve() as backend:
        await until(backend.is_ready)
        images = random_images(5)
        answer = await backend.run(Call("encode", ENCODE), images, Deadline.after(60))
        pictures = await backend.run(Call("reconstruct", RECONSTRUCT), images, Deadline.after(60))

        assert 10 == answer.version
        np.testing.assert_allclose(answer.outputs["codes"], 2 * toy_codes(images), rtol=1e-6)
        assert np.array_equal(toy_images(toy_codes(images)), pictures.outputs["reconstructions"])
        assert [10] == [status.version for status in backend.describe()]
        assert 4 == backend.describe()[0].code_dim


async def test_nothing_to_load_is_not_ready(serve: Serve) -> None:
    """An empty folder is no failure: the service waits for a model, and says that it does."""
    async with serve() as backend:
        assert not backend.is_ready()
        with pytest.raises(NotReadyError, match="no version of digits is loaded yet"):
            await encode(backend)


async def test_new_version_takes_over_without_a_failed_request(serve: Serve, root: Path, toys: dict[int, Path]) -> None:
    """Under constant load every answer is version 1's or version 2's own, and version 1 is gone in the end."""
    from support.toy_model import toy_codes

    publish(root, toys[1], 1)
    async with serve() as backend:
        await until(backend.is_ready)
        images = random_images(3)
        seen: list[int] = []

        async def caller() -> None:
            while not seen or seen[-1] == 1:
                answer = await backend.run(Call("encode", ENCODE), images, Deadline.after(60))
                np.testing.assert_allclose(answer.outputs["codes"], answer.version * toy_codes(images), rtol=1e-6)
                seen.append(answer.version)

        callers = [asyncio.create_task(caller()) for _ in range(4)]
        await until(lambda: len(seen) > 20)
        publish(root, toys[2], 2)
        await asyncio.gather(*callers)
        await until(lambda: describe(backend)[1].state == "END")

        assert {1, 2} == set(seen)
        assert describe(backend)[1].error is None
        with pytest.raises(NotFoundError, match=r"version 1 of digits is not loaded; loaded are \[2\]"):
            await encode(backend, Selector(version=1))


async def test_kept_versions_and_labels_stay_within_reach(serve: Serve, root: Path, toys: dict[int, Path]) -> None:
    """Two kept versions answer by number; a labelled one stays loaded although it is older."""
    for number in (1, 2, 3):
        publish(root, toys[number], number)
    async with serve(keep_versions=1, labels={"stable": 1, "canary": 3, "lost": 7}) as backend:
        await until(lambda: is_available(backend, 1) and is_available(backend, 3))

        assert 3 == (await encode(backend)).version
        assert 1 == (await encode(backend, Selector(label="stable"))).version
        assert 1 == (await encode(backend, Selector(version=1))).version
        assert ("canary",) == describe(backend)[3].labels
        for selector in (Selector(version=2), Selector(label="lost"), Selector(label="unknown")):
            with pytest.raises(NotFoundError):
                await encode(backend, selector)
    async with serve(keep_versions=2) as backend:
        await until(lambda: is_available(backend, 2))

        assert [2, 3] == [(await encode(backend, Selector(version=number))).version for number in (2, 3)]


@pytest.mark.parametrize("damage", ["no graph", "graph cut short", "no variables", "empty folder", "other model"])
async def test_damaged_version_is_reported_and_the_good_one_serves(
    serve: Serve, root: Path, toys: dict[int, Path], tmp_path: Path, damage: str
) -> None:
    """Whatever is wrong with a newer version, the older one answers and /models says why."""
    publish(root, toys[1], 1)
    damaged = publish(root, toys[2], 2)
    graph = damaged / "saved_model.pb"
    if damage == "no graph":
        graph.unlink()
    elif damage == "graph cut short":
        graph.write_bytes(graph.read_bytes()[: graph.stat().st_size // 2])
    elif damage == "no variables":
        shutil.rmtree(damaged / "variables")
    elif damage == "empty folder":
        shutil.rmtree(damaged)
        damaged.mkdir()
    else:
        shutil.rmtree(damaged)
        export_other_model(damaged)
    async with serve() as backend:
        await until(backend.is_ready)

        assert 1 == (await encode(backend)).version
        assert "END" == describe(backend)[2].state
        told = describe(backend)[2].error or ""
        assert told
        hint = "cannot be loaded: variables/ is missing or damaged: publish the whole folder: ValueError: "
        assert (damage == "no variables") == told.startswith(hint)


def export_other_model(path: Path) -> None:
    """A SavedModel whose encode takes float images: valid, but not contract one."""
    import tensorflow as tf

    module = tf.Module()
    encode = tf.function(
        lambda images: {"codes": images[:, 0, :4]},
        input_signature=[tf.TensorSpec([None, 28, 28], tf.float32, name="images")],
    )
    tf.saved_model.save(module, str(path), signatures={"encode": encode, "decode": encode, "reconstruct": encode})


async def test_refusal_names_the_difference(serve: Serve, root: Path) -> None:
    """A model outside contract one is refused with what it has and what was expected."""
    export_other_model(root / "digits" / "1")
    async with serve() as backend:
        await until(lambda: 1 in describe(backend) and describe(backend)[1].state == "END")

        assert "encode inputs.images is float32 [-1, 28, 28], expected uint8 [-1, 28, 28]" == describe(backend)[1].error
        assert not backend.is_ready()


async def test_repaired_version_is_tried_again(serve: Serve, root: Path, toys: dict[int, Path]) -> None:
    """A version that was still being copied is loaded once its files are there."""
    target = root / "digits" / "1"
    target.mkdir()
    async with serve() as backend:
        await until(lambda: 1 in describe(backend) and describe(backend)[1].state == "END")
        shutil.copytree(toys[1], target, dirs_exist_ok=True)
        await until(backend.is_ready)

        assert 1 == (await encode(backend)).version


async def test_folders_that_are_no_versions_are_ignored(serve: Serve, root: Path, toys: dict[int, Path]) -> None:
    """Names that are no positive integer, as half-written versions have, are never looked into."""
    publish(root, toys[1], 1)
    for name in ("0", "-2", ".3", "4.tmp", "v5", "٦"):  # the last is an Arabic six
        (root / "digits" / name).mkdir()
    (root / "digits" / "7").write_text("a file")
    async with serve() as backend:
        await until(backend.is_ready)

        assert [1] == [status.version for status in backend.describe()]


async def test_missing_companions_are_named(serve: Serve, root: Path, toys: dict[int, Path]) -> None:
    """A version without warm-up file and with a broken card serves, and says what it lacks."""
    directory = publish(root, toys[1], 1)
    (directory / "assets.extra").mkdir()
    (directory / "assets.extra" / "model_card.json").write_text("[]")
    async with serve() as backend:
        await until(backend.is_ready)
        status = describe(backend)[1]

        assert status.card is None
        assert "assets.extra/tf_serving_warmup_requests" == status.missing[0]
        assert "expected an object" in status.missing[1]


async def test_codes_in_another_byte_order_are_the_same_codes(serve: Serve, root: Path, toys: dict[int, Path]) -> None:
    """The session takes bytes as they are; what is fed has this machine's order whoever wrote it."""
    publish(root, toys[1], 1)
    codes = np.linspace(0, 1, 8, dtype=np.float32).reshape(2, 4)
    async with serve() as backend:
        await until(backend.is_ready)
        plain, foreign, spread = [
            (await backend.run(Call("decode", DECODE), rows, Deadline.after(60))).outputs["images"]
            for rows in (codes, codes.astype(">f4"), np.asfortranarray(codes))
        ]

        assert plain.any()
        assert np.array_equal(plain, foreign)
        assert np.array_equal(plain, spread)


def test_serving_takes_no_more_of_tensorflow_than_it_needs() -> None:
    """Loading, running, failing and freeing: not even an error imports the whole package, which may be had after it."""
    done = subprocess.run([sys.executable, "-c", _LEAN], cwd=_TREE, check=True, capture_output=True, text=True)

    assert "[] [5.0, 7.0]" == done.stdout.splitlines()[-1]


async def test_codes_of_another_width_are_refused(serve: Serve, root: Path, toys: dict[int, Path]) -> None:
    """A code that the graph cannot take is the caller's error, not the model's."""
    publish(root, toys[1], 1)
    async with serve() as backend:
        await until(backend.is_ready)
        with pytest.raises(InvalidCodeError, match="width 5 came, this model's are 4 wide"):
            await backend.run(Call("decode", DECODE), np.zeros((1, 5), np.float32), Deadline.after(60))
