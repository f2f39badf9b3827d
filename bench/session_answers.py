"""Runs a SavedModel in TensorFlow's C++ session and writes what it answers; needs nothing but TensorFlow and NumPy.

`python session_answers.py VERSION_DIR IMAGES.npy ANSWERS.npz`, with any Python that has a TensorFlow of its own.
"""

import sys
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

# Operations that call back into Python, which no model server has.
_PYTHON_OPERATIONS = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


def main(version_dir: str, images_path: str, answers_path: str) -> None:
    """Answer every signature; `decode` gets the codes that `encode` gave."""
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        model = tf.compat.v1.saved_model.loader.load(session, ["serve"], version_dir)
        images = np.load(images_path)
        answers = _run(session, model.signature_def["reconstruct"], images)
        answers["encoded"] = _run(session, model.signature_def["encode"], images)["codes"]
        answers["decoded"] = _run(session, model.signature_def["decode"], answers["encoded"])["images"]
        operations = _find_operations(session.graph.as_graph_def())
    python = sorted(operations & _PYTHON_OPERATIONS)
    answers |= {"python_operations": np.array(python, dtype="U"), "tensorflow": np.array(tf.__version__)}
    np.savez(answers_path, **answers)  # type: ignore[arg-type]  # the stub takes every keyword for its own flag


def _run(session: Any, signature: Any, rows: NDArray[Any]) -> dict[str, NDArray[Any]]:
    (feed,) = signature.inputs.values()
    answers: dict[str, NDArray[Any]] = session.run(
        {name: info.name for name, info in signature.outputs.items()}, {feed.name: rows}
    )
    return answers


def _find_operations(graph: Any) -> set[str]:
    nodes = list(graph.node) + [node for function in graph.library.function for node in function.node_def]
    return {node.op for node in nodes}


if __name__ == "__main__":
    main(*sys.argv[1:])
