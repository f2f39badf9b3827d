"""Contract one's signatures: names, types, and answers that depend on one row alone."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from pathlib import Path  # noqa: E402  # beside the imports below

from bench.sameness import is_exact_here  # noqa: E402  # beside the imports below
from training.anomaly.fitting import fit_statistic  # noqa: E402  # beside the imports below
from training.export.signatures import ServedCodec  # noqa: E402  # beside the imports below
from training.export.verify import verify_graph, verify_signatures  # noqa: E402  # beside the imports below
from training.networks.build import build_autoencoder  # noqa: E402  # needs TensorFlow
from training.recipes import find_recipe  # noqa: E402  # beside the imports below

ROWS = (1, 2, 3, 7, 64, 300, 4096)


@pytest.fixture(scope="module")
def default_codec(all_kinds: NDArray[np.uint8]) -> ServedCodec:
    """The network of the default recipe, untrained."""
    autoencoder = build_autoencoder(find_recipe("denoising-32").network, seed=0)
    return ServedCodec(autoencoder, fit_statistic(autoencoder, all_kinds[60:], all_kinds[60:], seed=0))


@pytest.fixture(scope="module")
def saved(default_codec: ServedCodec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default network as a SavedModel."""
    directory = tmp_path_factory.mktemp("saved") / "version"
    default_codec.save(directory)
    return directory


class _Session:
    """A SavedModel in the C++ session that TensorFlow Serving uses, with so many threads to an operation."""

    def __init__(self, directory: Path, threads: int) -> None:
        v1 = tf.compat.v1
        self.session = v1.Session(
            graph=tf.Graph(),
            config=v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1),
        )
        loader = v1.saved_model.loader
        with self.session.graph.as_default():
            self._signatures = loader.load(self.session, ["serve"], str(directory)).signature_def

    def run(self, name: str, rows: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Call one signature."""
        signature = self._signatures[name]
        (entry,) = signature.inputs.values()
        fetches = {output: info.name for output, info in signature.outputs.items()}
        answer: dict[str, NDArray[Any]] = self.session.run(fetches, {entry.name: rows})
        return answer


def _agree(output: str, full: NDArray[Any], alone: NDArray[Any]) -> bool:
    """To the last bit with AVX-512. Elsewhere within rounding, where a score may be some ranks of the few away."""
    if is_exact_here():
        return np.array_equal(full, alone)
    grey_level = 1.0 if full.dtype == np.uint8 else 1e-4
    near = np.allclose(full.astype(float), alone.astype(float), rtol=1e-3, atol=grey_level)
    return full.shape == alone.shape and (near or output == "anomaly_scores")


@pytest.mark.parametrize("threads", [1, 2])
def test_an_answer_does_not_depend_on_its_neighbours(saved: Path, threads: int, all_kinds: NDArray[np.uint8]) -> None:
    """In every signature each row is the same alone and among up to 4,095 others, as far as the processor can."""
    session = _Session(saved, threads)
    images = np.tile(all_kinds, (14, 1, 1))[:4096]
    together = session.run("reconstruct", images)
    inputs = {"encode": images, "decode": together["codes"], "reconstruct": images}
    differing = {
        (name, output, rows)
        for name, everything in inputs.items()
        for output, full in session.run(name, everything).items()
        for rows in ROWS
        if not _agree(output, full[-rows:], session.run(name, everything[-rows:])[output])
    }

    assert set() == differing


def test_no_rows_get_an_empty_answer(saved: Path) -> None:
    """An empty batch is answered with empty tensors of the right width."""
    answer = _Session(saved, 1).run("reconstruct", np.zeros((0, 28, 28), np.uint8))

    shapes = {name: output.shape for name, output in answer.items()}
    assert {"reconstructions": (0, 28, 28), "codes": (0, 32), "errors": (0,), "anomaly_scores": (0,)} == shapes


def test_saved_model_has_the_contracts_signatures_and_a_plain_graph(saved: Path) -> None:
    """Names, types and shapes are contract one's, and no Python function or XLA block is inside."""
    verify_graph(saved)
    verify_signatures(tf.saved_model.load(str(saved)).signatures, 32)


def test_decode_draws_what_reconstruct_returned(saved: Path, all_kinds: NDArray[np.uint8]) -> None:
    """A code kept by a client gives the same picture later."""
    session = _Session(saved, 1)
    whole = session.run("reconstruct", all_kinds)

    assert np.array_equal(whole["reconstructions"], session.run("decode", whole["codes"])["images"])
    np.testing.assert_allclose(session.run("encode", all_kinds)["codes"], whole["codes"], atol=1e-5)


def test_default_signature_reconstructs(saved: Path, all_kinds: NDArray[np.uint8]) -> None:
    """A client that names no signature gets reconstructions."""
    session = _Session(saved, 1)
    whole = session.run("reconstruct", all_kinds)

    default = session.run("serving_default", all_kinds)
    assert all(np.array_equal(output, default[name]) for name, output in whole.items())


def test_encode_computes_no_picture(saved: Path) -> None:
    """The graph of `encode` reads none of the decoder's weights."""
    graph = _Session(saved, 1).session.graph
    functions = {function.signature.name: function for function in graph.as_graph_def().library.function}

    def count(part: str) -> int:
        (body,) = [function for name, function in functions.items() if f"__{part}_" in name]
        return sum(node.op == "MatMul" for node in body.node_def)

    assert count("encode") + count("decode") < count("reconstruct")
    assert 0 < count("encode")
