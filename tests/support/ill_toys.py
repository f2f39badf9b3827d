"""Toy versions that serve as any other, and do something else beside it that no version may."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
from support.toy_model import Toy

Deed = Callable[[Path], Any]
"""Adds what is forbidden to the graph being traced; the path is a file that does not exist yet."""


class _Initialised(tf.saved_model.experimental.TrackableResource):  # type: ignore[misc]  # TensorFlow is untyped
    """A resource whose initializer, which a loader runs by itself, does the deed."""

    def __init__(self, deed: Deed, file: Path) -> None:
        super().__init__()
        self._deed, self._file = deed, file

    def _create_resource(self) -> Any:
        return tf.raw_ops.MutableHashTableV2(key_dtype=tf.string, value_dtype=tf.int64)

    def _initialize(self) -> None:
        self._deed(self._file)


def _write(file: Path) -> Any:
    return tf.io.write_file(str(file), "written")


def _write_in_python(file: Path) -> Any:
    return tf.py_function(lambda: file.write_text("written"), [], [])


def _write_in_nested_functions(file: Path) -> None:
    @tf.function  # type: ignore[untyped-decorator]
    def inner() -> None:
        _write(file)

    @tf.function  # type: ignore[untyped-decorator]
    def outer() -> None:
        inner()

    outer()


def _write_in_branch(file: Path) -> Any:
    return tf.cond(tf.random.stateless_uniform([], [1, 2]) > 2.0, lambda: _write(file), tf.no_op)


def _save(file: Path) -> Any:
    return tf.raw_ops.SaveV2(prefix=str(file), tensor_names=["a"], shape_and_slices=[""], tensors=[tf.zeros([2])])


def _restore(file: Path) -> Any:
    return tf.raw_ops.RestoreV2(prefix=str(file), tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32])


def _map_file(file: Path) -> Any:
    return tf.raw_ops.ImmutableConst(dtype=tf.uint8, shape=[1], memory_region_name=str(file))


def _send_to_debugger(file: Path) -> Any:
    return tf.raw_ops.DebugIdentity(input=tf.zeros([1]), debug_urls=[f"file://{file}"])


def _decode_by_description(file: Path) -> Any:
    return tf.io.decode_proto([b""], "a.Message", ["a"], [tf.int64], descriptor_source=str(file))


def _consume(make: Callable[[str], Any]) -> Deed:
    return lambda file: make(str(file)).reduce(0, lambda count, _: count + 1)


DEEDS: dict[str, Deed] = {
    "WriteFile": _write,
    "EagerPyFunc": _write_in_python,
    "PyFunc": lambda file: tf.numpy_function(file.touch, [], []),
    "PyFuncStateless": lambda file: tf.numpy_function(file.touch, [], tf.float32, stateful=False),
    "ReadFile": lambda file: tf.io.read_file(str(file)),
    "MatchingFiles": lambda file: tf.io.matching_files(f"{file}*"),
    "TextLineDataset": _consume(tf.data.TextLineDataset),
    "TFRecordDataset": _consume(tf.data.TFRecordDataset),
    "FixedLengthRecordDataset": _consume(lambda name: tf.data.FixedLengthRecordDataset(name, 1)),
    "CacheDataset": _consume(lambda name: tf.data.Dataset.range(2).cache(name)),
    "WholeFileReader": lambda _: tf.raw_ops.WholeFileReaderV2(),
    "TextLineReader": lambda _: tf.raw_ops.TextLineReaderV2(),
    "SaveV2": _save,
    "RestoreV2": _restore,
    "PrintV2": lambda _: tf.print("printed"),
    "DebugIdentity": _send_to_debugger,
    "DecodeProtoV2": _decode_by_description,
    "ImmutableConst": _map_file,
    "Abort": lambda _: tf.raw_ops.Abort(),
    "RandomStandardNormal": lambda _: tf.random.normal([1]),
}
"""By the operation, or how its name begins, that each adds inside a function."""

HIDDEN: dict[str, Deed] = {"nested functions": _write_in_nested_functions, "a branch": _write_in_branch}
"""Ways to write a file from deeper down."""


def export_ill_toy(path: Path, deed: Deed, file: Path) -> Path:
    """A version whose `encode` does the deed at each call."""
    toy = Toy(1.0)

    @tf.function(input_signature=toy.encode.input_signature)  # type: ignore[untyped-decorator]
    def encode(images: tf.Tensor) -> dict[str, tf.Tensor]:
        deed(file)
        return dict(toy.encode(images))

    return _save_toy(path, toy, encode=encode)


def export_toy_with_initializer(path: Path, file: Path) -> Path:
    """A version that writes the file when it is loaded."""
    toy = Toy(1.0)
    toy.initialised = _Initialised(_write, file)
    return _save_toy(path, toy)


def export_toy_with_asset(path: Path, file: Path) -> Path:
    """A version with a table that is read from a file among its assets; `file` is what it is made from."""
    file.write_text("0\n1\n")
    toy = Toy(1.0)
    whole_lines, line_numbers = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    source = tf.lookup.TextFileInitializer(str(file), tf.string, whole_lines, tf.int64, line_numbers)
    toy.table = tf.lookup.StaticHashTable(source, -1)

    @tf.function(input_signature=toy.encode.input_signature)  # type: ignore[untyped-decorator]
    def encode(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"codes": toy.encode(images)["codes"] + tf.cast(toy.table.lookup(tf.constant("0")), tf.float32)}

    return _save_toy(path, toy, encode=encode)


def export_toy_with_signature(path: Path, name: str) -> Path:
    """A version with one signature more."""
    toy = Toy(1.0)
    return _save_toy(path, toy, **{name: toy.decode})


def _save_toy(path: Path, toy: Toy, **more: Any) -> Path:
    signatures = {"encode": toy.encode, "decode": toy.decode, "reconstruct": toy.reconstruct, **more}
    tf.saved_model.save(toy, str(path), signatures=signatures)
    return path
