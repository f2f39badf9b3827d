"""One SavedModel in a C++ session: checked against contract one, warmed up, and run batch by batch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from service.backends.contract import INPUTS, WANTED, ContractViolationError, check_signatures
from service.backends.embedded import tensorflow_parts as tf
from service.backends.embedded.disk import CANNOT_BE_LOADED, UnusableModelError
from service.backends.embedded.vetting import read_vetted_graph
from service.domain import Rows, Signature
from service.errors import BackendError
from service.wire.signatures import describe_signatures

_Callable = Callable[[Rows], list[Rows]]

# TensorFlow says the one where people need the other.
_NO_CHECKPOINT = "is not a valid checkpoint"
_DAMAGED_VARIABLES = "variables/ is missing or damaged: publish the whole folder: "

_INITIALIZER = "__saved_model_init_op"

# TensorFlow 1's sessions and savers are deprecated in Python, but there is no other way to the C++ session; see Graph.
tf.get_logger().setLevel("ERROR")


class Graph:
    """A loaded SavedModel; `run` may be called from several threads at once.

    The C++ session is what TensorFlow Serving itself runs. A callable of its own, prepared once, costs at batch 1 a
    quarter of `Session.run`, which is also behind `make_callable` where something is fed.
    """

    def __init__(self, path: Path, intra_op_threads: int) -> None:
        """Load the version directory at `path`; takes tens of milliseconds.

        Raises:
            UnusableModelError: If it cannot be read, holds what no version may, or is not what contract one promises.
        """
        self._session, definition = _load(path, intra_op_threads)
        try:
            self._prepare_all(definition)
        except UnusableModelError:
            self._session.close()
            raise

    def _prepare_all(self, definition: Any) -> None:
        self.signatures = describe_signatures(definition.signature_def)
        try:
            self.code_dim = check_signatures(self.signatures)
        except ContractViolationError as error:
            raise UnusableModelError(str(error)) from error
        self._callables = {(name, outputs): self._prepare(definition, name, outputs) for name, outputs in WANTED}

    def run(self, signature: Signature, outputs: tuple[str, ...], rows: Rows) -> dict[str, Rows]:
        """Run one batch; `outputs` is one of the sets in `contract.WANTED`.

        Raises:
            BackendError: If TensorFlow fails at it.
        """
        try:
            values = self._callables[signature, outputs](rows)
        except tf.OpError as error:
            raise BackendError(
                f"{signature} failed at a batch of {len(rows)} rows with {type(error).__name__}"
            ) from error
        return dict(zip(outputs, values, strict=True))

    def warm_up(self, batch_sizes: tuple[int, ...]) -> None:
        """Run every callable at the given sizes; errors as `run`."""
        for (signature, outputs), size in ((each, size) for each in self._callables for size in batch_sizes):
            images = np.zeros((size, 28, 28), np.uint8)
            codes = np.zeros((size, self.code_dim), np.float32)
            self.run(signature, outputs, codes if signature == "decode" else images)

    def close(self) -> None:
        """Free the session; nothing may run any more."""
        self._session.close()

    def _prepare(self, definition: Any, name: Signature, outputs: tuple[str, ...]) -> _Callable:
        signature = definition.signature_def[name]
        (feed,) = signature.inputs.values()
        options = tf.CallableOptions(feed=[feed.name], fetch=[signature.outputs[each].name for each in outputs])
        call = self._session._make_callable_from_options(options)  # noqa: SLF001 - nothing public leads there
        # It takes an array's bytes as they are, and would not notice that their order is not this machine's.
        dtype = np.dtype(self.signatures[name]["inputs"][INPUTS[name]]["dtype"])
        return lambda rows: call(np.asarray(rows, dtype))


def load_warm_graph(path: Path, intra_op_threads: int, warm_up_sizes: tuple[int, ...]) -> Graph:
    """A graph that has run every callable at the given batch sizes, so that no caller waits for that.

    Raises:
        UnusableModelError: If it cannot be loaded, or fails at one of them.
    """
    graph = Graph(path, intra_op_threads)
    try:
        graph.warm_up(warm_up_sizes)
    except BackendError as error:
        graph.close()
        raise UnusableModelError(f"cannot run: {error}: {error.__cause__}"[:500]) from error
    return graph


def list_devices() -> list[str]:
    """The devices TensorFlow sees; the first call starts its runtime."""
    return [device.name for device in tf.list_physical_devices()]


def _load(path: Path, intra_op_threads: int) -> tuple[Any, Any]:
    definition = read_vetted_graph(path)
    config = tf.ConfigProto(
        intra_op_parallelism_threads=intra_op_threads,
        # No thread pool between operations: a small graph finishes sooner in the thread that called it.
        inter_op_parallelism_threads=-1,
    )
    session = tf.Session(graph=tf.Graph(), config=config)
    try:
        _fill(session, definition, path)
    except Exception as error:
        # TensorFlow tells a damaged file by whatever its parsers raise: OpError, IOError, DecodeError, ValueError...
        session.close()
        raise UnusableModelError(_explain(error)) from error
    return session, definition


def _fill(session: Any, definition: Any, path: Path) -> None:
    """What TensorFlow's own loader does, with the graph that was vetted: the file may be another by now."""
    with session.graph.as_default():
        saver = tf.import_meta_graph(definition)
        if saver is not None:  # None: no variables
            saver.restore(session, str(path / "variables" / "variables"))
    if _INITIALIZER in definition.signature_def:
        session.run([info.name for info in definition.signature_def[_INITIALIZER].outputs.values()])


def _explain(error: Exception) -> str:
    first_line = (str(error).splitlines() or [""])[0]
    hint = _DAMAGED_VARIABLES if _NO_CHECKPOINT in first_line else ""
    return f"{CANNOT_BE_LOADED}{hint}{type(error).__name__}: {first_line[:300]}"
