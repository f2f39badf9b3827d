"""Contract one: the signatures that a model must have, and the outputs, types and shapes that its answers must keep."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from service.domain import IMAGE_SIDE, Answer, Call, Rows, Signature
from service.errors import BackendContractError

# What doors ask of each signature. Backends prepare exactly these.
ENCODE = ("codes",)
DECODE = ("images",)
RECONSTRUCT = ("reconstructions", "errors", "anomaly_scores")
SCORE = ("errors", "anomaly_scores")
RECONSTRUCT_AND_ENCODE = (*RECONSTRUCT, "codes")
WANTED: tuple[tuple[Signature, tuple[str, ...]], ...] = (
    ("encode", ENCODE),
    ("decode", DECODE),
    ("reconstruct", SCORE),
    ("reconstruct", RECONSTRUCT),
    ("reconstruct", RECONSTRUCT_AND_ENCODE),
)

_PICTURE = (IMAGE_SIDE, IMAGE_SIDE)

# Each signature's inputs and outputs, as (type, shape); None is the code width, -1 the batch.
_IMAGES = ("uint8", (-1, *_PICTURE))
_CODES = ("float32", (-1, None))
_ROW_FLOATS = ("float32", (-1,))
_SIGNATURES: Mapping[Signature, tuple[dict[str, Any], dict[str, Any]]] = MappingProxyType(
    {
        "encode": ({"images": _IMAGES}, {"codes": _CODES}),
        "decode": ({"codes": _CODES}, {"images": _IMAGES}),
        "reconstruct": (
            {"images": _IMAGES},
            {"reconstructions": _IMAGES, "codes": _CODES, "errors": _ROW_FLOATS, "anomaly_scores": _ROW_FLOATS},
        ),
    }
)

INPUTS: Mapping[Signature, str] = MappingProxyType({name: next(iter(ins)) for name, (ins, _) in _SIGNATURES.items()})
"""The one input of each signature."""

OUTPUTS: Mapping[Signature, tuple[str, ...]] = MappingProxyType(
    {name: tuple(outs) for name, (_, outs) in _SIGNATURES.items()}
)
"""All outputs of each signature."""


class ContractViolationError(Exception):
    """A model's signatures are not those of contract one; the text names the difference."""


def cover(signature: Signature, outputs: Sequence[str]) -> tuple[str, ...]:
    """The smallest prepared set of outputs that holds all of these."""
    return next(prepared for name, prepared in WANTED if name == signature and set(outputs) <= set(prepared))


def check_signatures(signatures: Mapping[str, Any]) -> int:
    """The code width, if the signatures are those of contract one; further ones are allowed.

    Args:
        signatures: Name -> {"inputs", "outputs"}, each tensor name -> {"dtype", "shape"}; -1 is a size that varies.

    Raises:
        ContractViolationError: If they are not; it names the first difference.
    """
    for name, (inputs, outputs) in _SIGNATURES.items():
        if name not in signatures:
            raise ContractViolationError(f"has the signatures {sorted(signatures)}, expected {sorted(_SIGNATURES)}")
        _check_tensors(f"{name} inputs", signatures[name]["inputs"], inputs)
        _check_tensors(f"{name} outputs", signatures[name]["outputs"], outputs)
    widths = {
        signatures["encode"]["outputs"]["codes"]["shape"][1],
        signatures["decode"]["inputs"]["codes"]["shape"][1],
    }
    if len(widths) != 1 or min(widths) < 1:
        raise ContractViolationError(f"has codes of the widths {sorted(widths)}, expected one positive width")
    return int(widths.pop())


def _check_tensors(where: str, tensors: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    if set(tensors) != set(expected):
        raise ContractViolationError(f"{where} are {sorted(tensors)}, expected {sorted(expected)}")
    for name, (dtype, shape) in expected.items():
        tensor = tensors[name]
        fits = len(tensor["shape"]) == len(shape) and all(
            wanted in (None, size) for wanted, size in zip(shape, tensor["shape"], strict=True)
        )
        if tensor["dtype"] != dtype or not fits:
            wanted_shape = ["code_dim" if size is None else size for size in shape]
            raise ContractViolationError(
                f"{where}.{name} is {tensor['dtype']} {tensor['shape']}, expected {dtype} {wanted_shape}"
            )


def check_answer(call: Call, rows: int, answer: Answer) -> None:
    """Refuse an answer that contract one does not allow, before a caller sees it.

    Raises:
        BackendContractError: If an output is missing, has another type or shape than promised, or is not finite.
    """
    for name in call.outputs:
        if name not in answer.outputs:
            raise BackendContractError(f"{call.signature} answered without the output {name}")
        _check_output(f"{call.signature}.{name}", name, rows, answer.outputs[name])


def _check_output(where: str, name: str, rows: int, output: Rows) -> None:
    dtype, shape = _promised(name, rows, output)
    if output.dtype != dtype or output.shape != shape:
        raise BackendContractError(f"{where} came as {output.dtype} {output.shape}, expected {dtype} {shape}")
    if dtype == np.float32 and not np.isfinite(output).all():
        raise BackendContractError(f"{where} holds values that are not finite")


def _promised(name: str, rows: int, output: Rows) -> tuple[np.dtype[np.generic], tuple[int, ...]]:
    if name in {"images", "reconstructions"}:
        return np.dtype(np.uint8), (rows, *_PICTURE)
    if name == "codes":
        return np.dtype(np.float32), (rows, output.shape[1] if output.ndim == 2 else -1)
    return np.dtype(np.float32), (rows,)
