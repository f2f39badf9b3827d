"""What a version may hold: SavedModels that do more than compute are refused before any of it runs."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from support.ill_toys import (  # noqa: E402  # beside the imports above
    DEEDS,
    HIDDEN,
    export_ill_toy,
    export_toy_with_asset,
    export_toy_with_initializer,
    export_toy_with_signature,
)
from support.toy_model import export_toy  # noqa: E402  # beside the import above

from service.backends.contract import ENCODE  # noqa: E402  # beside the imports below
from service.backends.embedded import EmbeddedBackend  # noqa: E402  # beside the imports below
from service.backends.embedded.disk import UnusableModelError  # noqa: E402  # beside the imports below
from service.backends.embedded.graph import load_warm_graph  # noqa: E402  # needs TensorFlow
from service.backends.embedded.vetting import MAX_GRAPH_BYTES, is_allowed, read_vetted_graph  # noqa: E402  # the same
from service.domain import Call, Deadline, VersionStatus  # noqa: E402  # beside the imports above
from service.settings import EmbeddedBackendSettings, ModelSettings  # noqa: E402  # beside the imports above

DEFAULT_MODEL = Path(__file__).resolve().parents[2] / "models" / "digits" / "1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A model folder whose version 1 is a good toy."""
    export_toy(tmp_path / "models" / "digits" / "1")
    return tmp_path / "models"


@pytest.fixture
def second(root: Path) -> Path:
    """Where version 2 goes."""
    return root / "digits" / "2"


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that is not there, and must not come to be."""
    return tmp_path / "marker"


@contextmanager
def edited(version: Path) -> Iterator[Any]:
    """The version's SavedModel as a protobuf, written back when done."""
    from tensorflow.core.protobuf import saved_model_pb2

    file = version / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    yield saved
    file.write_bytes(saved.SerializeToString())


async def serve_and_describe(root: Path) -> dict[int, VersionStatus]:
    """What the backend says of its versions once it has looked at all of them, and version 1 has answered."""
    model = ModelSettings(root=root, keep_versions=2, poll_interval_s=0.005)
    backend = EmbeddedBackend(EmbeddedBackendSettings(), model, max_batches=1, warm_up_sizes=(1,))
    await backend.start()
    try:
        async with asyncio.timeout(60):
            while not backend.is_ready():  # noqa: ASYNC110 - TensorFlow's threads change it; they know no event
                await asyncio.sleep(0.002)
        answer = await backend.run(Call("encode", ENCODE), np.zeros((1, 28, 28), np.uint8), Deadline.after(60))
        assert 1 == answer.version
        return {status.version: status for status in backend.describe()}
    finally:
        await backend.close()


def explain_refusal(root: Path) -> str:
    """Why version 2 does not serve while version 1 does."""
    status = asyncio.run(serve_and_describe(root))[2]
    assert "END" == status.state
    return status.error or ""


@pytest.mark.parametrize("operation", sorted(DEEDS))
def test_operation_that_reaches_outside_is_refused(root: Path, second: Path, marker: Path, operation: str) -> None:
    """The refusal names the operation and its function, nothing of it has run, and the good version serves."""
    export_ill_toy(second, DEEDS[operation], marker)

    told = explain_refusal(root)

    assert told.startswith("holds operations that reach outside of the graph, which no version may: ")
    assert f" {operation}" in told
    assert " in the function __inference_" in told
    assert not list(marker.parent.glob("marker*"))


@pytest.mark.parametrize("place", sorted(HIDDEN))
def test_operation_deep_inside_is_found(root: Path, second: Path, marker: Path, place: str) -> None:
    """A function that is called by a function, and a branch, are looked into."""
    export_ill_toy(second, HIDDEN[place], marker)

    assert "WriteFile in the function " in explain_refusal(root)
    assert not marker.exists()


def test_initializer_does_not_run(root: Path, second: Path, marker: Path) -> None:
    """What a loader would run by itself is judged before."""
    export_toy_with_initializer(second, marker)

    assert "WriteFile in the function __inference__initializer" in explain_refusal(root)
    assert not marker.exists()


def test_table_from_an_asset_is_refused(root: Path, second: Path, tmp_path: Path) -> None:
    """Tables read files."""
    export_toy_with_asset(second, tmp_path / "lines.txt")

    assert "InitializeTableFromTextFileV2" in explain_refusal(root)


def test_unknown_signature_is_refused(root: Path, second: Path) -> None:
    """Names beyond those of contract one are told, with those that are known."""
    export_toy_with_signature(second, "train")

    wanted = "['train'], which no version may: known are ['decode', 'encode', 'reconstruct', 'serving_default']"
    assert f"has the signatures {wanted}" == explain_refusal(root)


def test_unknown_operation_is_refused(root: Path) -> None:
    """An operation of somebody's own library is named."""
    version = root / "digits" / "1"
    with edited(version) as saved:
        saved.meta_graphs[0].graph_def.node.add(name="own", op="OwnOperation")

    with pytest.raises(UnusableModelError, match=r"no version may: OwnOperation$"):
        read_vetted_graph(version)


def call_restore_again(graph: Any, saver: Any) -> None:
    """Another node calls the function that restores."""
    restore = next(node for node in graph.node if node.name == saver.restore_op_name)
    graph.node.add().CopyFrom(restore)
    graph.node[-1].name = "again"


def name_restore_elsewhere(graph: Any, saver: Any) -> None:
    """A function's attribute, two levels down, names the function that restores."""
    restore = next(node for node in graph.node if node.name == saver.restore_op_name)
    nested = graph.library.function[0].node_def[0].attr["f"].list.func.add(name="x").attr["g"]
    nested.func.name = restore.attr["f"].func.name


def keep_path_in_graph(graph: Any, saver: Any) -> None:
    """The path is a constant, not what the loader feeds."""
    path = next(node for node in graph.node if f"{node.name}:0" == saver.filename_tensor_name)
    path.op = "Const"


def restore_from_own_path(graph: Any, saver: Any) -> None:
    """The function restores from a path of its own."""
    for function in graph.library.function:
        for node in function.node_def:
            if node.op == "RestoreV2":
                node.input[0] = "RestoreV2/shape_and_slices:output:0"


def name_no_saver(graph: Any, saver: Any) -> None:
    """Nothing is said of a saver."""
    saver.restore_op_name = ""


@pytest.mark.parametrize(
    "twist", [call_restore_again, name_restore_elsewhere, keep_path_in_graph, restore_from_own_path, name_no_saver]
)
def test_only_the_saver_restores(root: Path, twist: Callable[[Any, Any], None]) -> None:
    """A checkpoint is read in one place, from the path of the loader; any other use is refused."""
    version = root / "digits" / "1"
    with edited(version) as saved:
        twist(saved.meta_graphs[0].graph_def, saved.meta_graphs[0].saver_def)

    with pytest.raises(UnusableModelError, match="RestoreV2 in the function __inference__traced_restore"):
        read_vetted_graph(version)


def test_what_serves_cannot_save(root: Path) -> None:
    """The saver's half that writes is not loaded at all."""
    graph = read_vetted_graph(root / "digits" / "1").graph_def
    functions = graph.library.function

    assert not {"SaveV2", "MergeV2Checkpoints"} & {node.op for each in functions for node in each.node_def}


def test_only_the_graph_for_serving_counts(root: Path, second: Path, marker: Path) -> None:
    """A graph with other tags is neither judged nor used."""
    export_ill_toy(second, DEEDS["WriteFile"], marker)
    with edited(second) as ill, edited(root / "digits" / "1") as saved:
        ill.meta_graphs[0].meta_info_def.tags[:] = ["serve", "gpu"]
        saved.meta_graphs.insert(0, ill.meta_graphs[0])

    told = explain_refusal(root)

    assert "cannot be loaded: has graphs with the tags [['gpu', 'serve']], expected one with ['serve']" == told
    assert not marker.exists()


def test_large_file_is_refused_unread(root: Path) -> None:
    """A file beyond the limit is not parsed."""
    version = root / "digits" / "1"
    with (version / "saved_model.pb").open("r+b") as file:
        file.truncate(MAX_GRAPH_BYTES + 1)

    with pytest.raises(UnusableModelError, match=r"saved_model\.pb is larger than 16777216 bytes"):
        read_vetted_graph(version)


def test_every_operation_that_takes_a_file_is_refused() -> None:
    """Of all that this TensorFlow knows, nothing that is let through has an input or setting named for a file."""
    telling = ("file", "path", "url", "_dir", "descriptor", "region", "debug_ops")
    suspects = [
        operation.name
        for operation in list_operations()
        if any(word in part.name for part in (*operation.input_arg, *operation.attr) for word in telling)
    ]

    assert {"ReadFile", "WriteFile", "ImmutableConst", "DebugIdentity", "DecodeProtoV2"} <= set(suspects)
    # Its `top_paths` is a number of beams.
    assert ["CTCBeamSearchDecoder"] == [name for name in suspects if is_allowed(name)]


def list_operations() -> list[Any]:
    """The definitions of all operations that are compiled in."""
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    held = pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    return list(op_def_pb2.OpList.FromString(held).op)


@pytest.mark.parametrize("recipe", ["conv-32", "relu-300-100-2", "sparse-64", "vae-16"])
def test_what_the_trainer_exports_passes(tmp_path: Path, recipe: str) -> None:
    """Every kind of network and code serves."""
    from training.anomaly.fitting import fit_statistic
    from training.export.signatures import ServedCodec
    from training.networks.build import build_autoencoder
    from training.recipes import find_recipe

    autoencoder = build_autoencoder(find_recipe(recipe).network, seed=0)
    images = np.random.default_rng(0).integers(0, 256, (200, 28, 28), dtype=np.uint8)
    ServedCodec(autoencoder, fit_statistic(autoencoder, images[:100], images[100:], seed=0)).save(tmp_path)
    graph = load_warm_graph(tmp_path, 1, (1,))
    graph.close()

    assert autoencoder.code_dim == graph.code_dim


def test_vetting_is_quick() -> None:
    """The default model passes, in milliseconds."""
    costs = []
    for _ in range(5):
        started = time.perf_counter()
        read_vetted_graph(DEFAULT_MODEL)
        costs.append(time.perf_counter() - started)

    assert min(costs) < 0.02
