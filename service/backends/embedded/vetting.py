"""What a version's graph may hold, judged from its protobuf before any of it can run.

A folder of models is data from outside, but a graph is a program: its operations can read and write files, speak to
the network and call Python. Of those with state or effects, only what serving needs is let through. Knows nothing of
sessions.
"""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from service.backends.contract import OUTPUTS
from service.backends.embedded.disk import CANNOT_BE_LOADED, UnusableModelError
from service.backends.embedded.tensorflow_parts import SavedModel, op_def_registry

MAX_GRAPH_BYTES = 16 * 1024**2
"""Most bytes of a saved_model.pb: forty times the default model's. Weights are in variables/, and parsing takes memory
in proportion."""

_SERVING_TAGS = {"serve"}
_SIGNATURES = {*OUTPUTS, "serving_default"}
_OWN_PREFIX = "__"  # of the loader's own signatures, which no client can call

_RESTORE = "RestoreV2"
_CALL = "StatefulPartitionedCall"

# TensorFlow calls an operation stateful if it has effects, or if its answer depends on more than its inputs.
_ALLOWED_STATEFUL = {
    # The weights, in the session's own memory.
    *("VarHandleOp", "VarIsInitializedOp", "ReadVariableOp", "AssignVariableOp", "DisableCopyOnRead"),
    # Calls and branches, stateful because of what they call: functions of the same graph, which are vetted too.
    *(_CALL, "If", "Case", "While"),
}

# TensorFlow calls these stateless, and yet they reach outside of the graph.
_REFUSED_STATELESS = {
    "PyFuncStateless",  # Python
    *("ReadFile", "MatchingFiles", "InitializeTableFromTextFile", "GenerateVocabRemapping"),  # files by name
    "ImmutableConst",  # maps a file into memory
    *("DecodeProtoV2", "EncodeProto"),  # read message descriptors from a file
    *("Copy", "CopyHost"),  # send tensors to the addresses of a debugger, as all of Debug... do
    "Abort",  # ends the process
    *("XlaCustomCall", "XlaCustomCallV2", "XlaLaunchV2", "MlirPassthroughOp", "TPUPartitionedCall"),  # other programs
}
# Datasets read files, write caches and may carry graphs as strings; snapshots are theirs, readers their ancestors.
_REFUSED_FAMILIES = re.compile(r"Dataset|Snapshot|^Debug|^Reader")

_MOST_NAMED = 5
_MOST_CHARACTERS = 500


def read_vetted_graph(version: Path) -> Any:
    """The `MetaGraphDef` tagged `serve` of a version directory, without its means to write checkpoints.

    Raises:
        UnusableModelError: If it cannot be read, or holds an operation or a signature that no version may.
    """
    definition = _find_serving(_parse(version / "saved_model.pb"))
    _check_signatures(definition)
    _drop_saving(definition)
    refused = [f"{operation}{place}" for operation, place in islice(_find_refused(definition), _MOST_NAMED)]
    if refused:
        told = f"holds operations that reach outside of the graph, which no version may: {', '.join(refused)}"
        raise UnusableModelError(told[:_MOST_CHARACTERS])
    return definition


def is_allowed(operation: str) -> bool:
    """True for the operations of this TensorFlow that compute, or keep the weights."""
    known = op_def_registry.get(operation)
    if known is None:
        return False
    if known.is_stateful:
        return operation in _ALLOWED_STATEFUL
    return operation not in _REFUSED_STATELESS and not _REFUSED_FAMILIES.search(operation)


def _parse(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_GRAPH_BYTES + 1)
        if len(content) > MAX_GRAPH_BYTES:
            raise UnusableModelError(f"{CANNOT_BE_LOADED}{path.name} is larger than {MAX_GRAPH_BYTES} bytes")
        return SavedModel.FromString(content)
    except (OSError, DecodeError) as error:
        told = f"{CANNOT_BE_LOADED}{path.name} cannot be read: {type(error).__name__}: {error}"
        raise UnusableModelError(told[:_MOST_CHARACTERS]) from error


def _find_serving(saved: Any) -> Any:
    for definition in saved.meta_graphs:
        if set(definition.meta_info_def.tags) == _SERVING_TAGS:
            return definition
    tags = [sorted(definition.meta_info_def.tags) for definition in saved.meta_graphs]
    told = f"{CANNOT_BE_LOADED}has graphs with the tags {tags}, expected one with {sorted(_SERVING_TAGS)}"
    raise UnusableModelError(told[:_MOST_CHARACTERS])


def _check_signatures(definition: Any) -> None:
    names = (name for name in definition.signature_def if not name.startswith(_OWN_PREFIX))
    unknown = sorted(set(names) - _SIGNATURES)
    if unknown:
        told = f"has the signatures {unknown[:_MOST_NAMED]}, which no version may: known are {sorted(_SIGNATURES)}"
        raise UnusableModelError(told[:_MOST_CHARACTERS])


def _drop_saving(definition: Any) -> None:
    """Remove the saver's half that writes: whoever serves never saves."""
    graph, name = definition.graph_def, _name_node(definition.saver_def.save_tensor_name)
    functions = {node.attr["f"].func.name for node in graph.node if node.name == name and node.op == _CALL}
    _remove(graph.node, lambda node: node.name == name)
    _remove(graph.library.function, lambda function: function.signature.name in functions)


def _remove(items: Any, is_unwanted: Callable[[Any], bool]) -> None:
    for index in reversed(range(len(items))):
        if is_unwanted(items[index]):
            del items[index]


def _find_refused(definition: Any) -> Iterator[tuple[str, str]]:
    """Each operation that is not allowed, and where it is."""
    restoring = _find_restoring(definition)
    verdicts: dict[str, bool] = {}
    for name, nodes in _list_places(definition.graph_def):
        for operation in sorted({node.op for node in nodes}):
            if operation == _RESTORE and name and name == restoring:
                continue
            if operation not in verdicts:
                verdicts[operation] = is_allowed(operation)
            if not verdicts[operation]:
                yield operation, f" in the function {name}" if name else ""


def _list_places(graph: Any) -> Iterator[tuple[str, Any]]:
    """The nodes of the graph itself, whose name is empty, and those of each function."""
    yield "", graph.node
    for function in graph.library.function:
        yield function.signature.name, function.node_def


def _find_restoring(definition: Any) -> str:
    """The function that may read the checkpoint: the saver's own node alone calls it, with the path of the loader.

    Empty if there is none: a graph may have no variables.
    """
    graph, saver = definition.graph_def, definition.saver_def
    nodes = {node.name: node for node in graph.node}
    path = nodes.get(_name_node(saver.filename_tensor_name))
    caller = nodes.get(_name_node(saver.restore_op_name))
    # A placeholder has no value but the one that is fed, so nothing can restore from a path in the graph.
    if path is None or path.op != "Placeholder" or caller is None or caller.op != _CALL:
        return ""
    called: str = caller.attr["f"].func.name
    function = next((each for each in graph.library.function if each.signature.name == called), None)
    if function is None or not _restores_from(function, caller, path.name):
        return ""
    return called if [called] == [name for name in _list_calls(graph) if name == called] else ""


def _restores_from(function: Any, caller: Any, path: str) -> bool:
    arguments = [argument.name for argument in function.signature.input_arg]
    given = {name: _name_node(value) for name, value in zip(arguments, caller.input, strict=False)}
    paths = {given.get(node.input[0]) if node.input else None for node in function.node_def if node.op == _RESTORE}
    # TensorFlow may put one function that implements an interface in the place of another.
    return paths <= {path} and "api_implements" not in function.attr


def _list_calls(graph: Any) -> Iterator[str]:
    """The name of a function for each place that calls it."""
    for gradient in graph.library.gradient:
        yield from (gradient.function_name, gradient.gradient_func)
    for _, nodes in _list_places(graph):
        for node in nodes:
            yield node.op  # the old way to call
            for attribute in node.attr.values():
                yield from _list_named(attribute)


def _list_named(attribute: Any) -> Iterator[str]:
    kind = attribute.WhichOneof("value")
    functions = [attribute.func] if kind == "func" else attribute.list.func if kind == "list" else ()
    for function in functions:
        yield function.name
        for nested in function.attr.values():
            yield from _list_named(nested)


def _name_node(tensor: str) -> str:
    return tensor.partition(":")[0]
