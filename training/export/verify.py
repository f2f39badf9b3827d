"""Checks a SavedModel in a process of its own: `python -m training.export.verify VERSION_DIR PROBE.npz`.

A fresh process has nothing of the live model, so what works here works for any loader. The probe holds images and the
live model's answers to them, by the output names of contract one. Ends with status 0, or with 1 and the reason.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

# Beside the whole probe. Several sizes show that the batch dimension is free; one row goes its own way inside.
_BATCH_ROWS = (1, 7)

# On one machine all answers but those of `encode` come back to the last bit. A live model on a GPU, or another choice
# of kernels, differs in the last bits of codes: a rounded pixel may then move by one level, an error by what a few
# of these make, a score by a few ranks.
_TOLERANCES = {"codes": 1e-4, "images": 1.0, "reconstructions": 1.0, "errors": 2e-5}
_SCORE_TOLERANCE, _TOLERATED_RANKS = 1e-3, 2
# Of the pixels of one answer; a picture drawn one level too bright throughout is no rounding.
_MOST_MOVED_PIXELS = 0.01

_PYTHON_OPS = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


class ContractViolationError(Exception):
    """The SavedModel is not what contract one promises."""


def main(arguments: list[str]) -> None:
    """Check a version against a probe; ends the process with status 1 and the reason if it is not as promised."""
    version_dir, probe_path = map(Path, arguments)
    with np.load(probe_path) as probe:
        try:
            verify_version(version_dir, dict(probe))
        except ContractViolationError as error:
            sys.exit(f"{version_dir}: {error}")


def verify_version(version_dir: Path, probe: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Check graph, signatures and answers.

    Args:
        version_dir: Holds `saved_model.pb`.
        probe: `images` uint8 (n, 28, 28), n >= 7, the live answers of `reconstruct` to them, and `calibration_size`,
            the number of images that calibrate the scores.

    Raises:
        ContractViolationError: If something is not as contract one says.
    """
    verify_graph(version_dir)
    signatures = tf.saved_model.load(str(version_dir)).signatures
    verify_signatures(signatures, probe["codes"].shape[1])
    live = {name: probe[name] for name in ("reconstructions", "codes", "errors", "anomaly_scores")}
    scores = max(_SCORE_TOLERANCE, _TOLERATED_RANKS / (int(probe["calibration_size"]) + 1))
    tolerances = {**_TOLERANCES, "anomaly_scores": scores}
    for rows in (*_BATCH_ROWS, len(probe["images"])):
        wanted = {name: answer[:rows] for name, answer in live.items()}
        images, codes = tf.constant(probe["images"][:rows]), tf.constant(wanted["codes"])
        verify_answers(signatures["reconstruct"](images=images), wanted, tolerances)
        verify_answers(signatures["serving_default"](images=images), wanted, tolerances)
        verify_answers(signatures["encode"](images=images), {"codes": wanted["codes"]}, tolerances)
        verify_answers(signatures["decode"](codes=codes), {"images": wanted["reconstructions"]}, tolerances)


def verify_graph(version_dir: Path) -> None:
    """Refuse what other loaders cannot run: Python functions and forced XLA compilation.

    Raises:
        ContractViolationError: If the graph holds one.
    """
    saved = saved_model_pb2.SavedModel.FromString((version_dir / "saved_model.pb").read_bytes())
    for graph in (meta_graph.graph_def for meta_graph in saved.meta_graphs):
        nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
        foreign = sorted(node.op for node in nodes if node.op in _PYTHON_OPS)
        compiled = sorted(node.name for node in nodes if node.attr["_XlaMustCompile"].b)
        if foreign or compiled:
            raise ContractViolationError(f"the graph holds Python functions {foreign} or XLA blocks {compiled}")


def verify_signatures(signatures: Mapping[str, Any], code_dim: int) -> None:
    """Compare names, types and shapes of all inputs and outputs with contract one.

    Raises:
        ContractViolationError: If one is missing, superfluous or different.
    """
    images, codes = ((None, 28, 28), "uint8"), ((None, code_dim), "float32")
    numbers = ((None,), "float32")
    pictures = {"reconstructions": images, "codes": codes, "errors": numbers, "anomaly_scores": numbers}
    expected = {
        "encode": ({"images": images}, {"codes": codes}),
        "decode": ({"codes": codes}, {"images": images}),
        "reconstruct": ({"images": images}, pictures),
        "serving_default": ({"images": images}, pictures),
    }
    found = {
        name: (
            _describe(signature.structured_input_signature[1]),
            _describe(signature.structured_outputs),
        )
        for name, signature in signatures.items()
    }
    if found != expected:
        raise ContractViolationError(f"got signatures {found}, expected {expected}")


def _describe(tensors: Mapping[str, Any]) -> dict[str, tuple[tuple[int | None, ...], str]]:
    return {name: (tuple(spec.shape.as_list()), spec.dtype.name) for name, spec in tensors.items()}


def verify_answers(
    answers: Mapping[str, Any], wanted: Mapping[str, np.ndarray[Any, Any]], tolerances: Mapping[str, float]
) -> None:
    """Compare answers with those of the live model, each output within its tolerance.

    Raises:
        ContractViolationError: If an output is missing, has other rows, or is further off than rounding goes.
    """
    for name, live in wanted.items():
        answer = answers[name].numpy().astype(np.float64)
        if answer.shape != live.shape:
            raise ContractViolationError(f"{name} came back as {answer.shape}, the live model gave {live.shape}")
        distances = np.abs(answer - live)
        distance = float(distances.max())
        if not distance <= tolerances[name]:
            raise ContractViolationError(
                f"{name} is {distance:g} off the live model's, the limit is {tolerances[name]:g}"
            )
        if live.dtype == np.uint8 and np.mean(distances > 0) > _MOST_MOVED_PIXELS:
            raise ContractViolationError(
                f"{np.mean(distances > 0):.1%} of the pixels of {name} differ, the limit is {_MOST_MOVED_PIXELS:.0%}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
