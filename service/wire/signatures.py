"""TensorFlow's SignatureDef -> plain values; the messages may come from whichever descriptor pool."""

from collections.abc import Mapping
from typing import Any

from service.wire.tensors import describe_type

# The loader's own signatures, not for clients to call.
_OWN_PREFIX = "__"


def describe_signatures(definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Name -> {"inputs", "outputs"}, each tensor name -> {"name", "dtype", "shape"}; -1 is a size that varies.

    Args:
        definitions: SignatureDef messages by name.
    """
    names = sorted(name for name in definitions if not name.startswith(_OWN_PREFIX))
    return {
        name: {
            "inputs": _describe_tensors(definitions[name].inputs),
            "outputs": _describe_tensors(definitions[name].outputs),
        }
        for name in names
    }


def _describe_tensors(tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "name": tensors[name].name,
            "dtype": describe_type(tensors[name].dtype),
            "shape": [dim.size for dim in tensors[name].tensor_shape.dim],
        }
        for name in sorted(tensors)
    }
