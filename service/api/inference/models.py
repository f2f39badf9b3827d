"""The names by which the protocol's clients call signatures, versions and tensors."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, get_args

from service.api.inference.fields import take
from service.backends import contract
from service.domain import IMAGE_SIDE, NEWEST, Selector, Signature
from service.errors import MalformedRequestError, NotFoundError
from service.words import shorten

_SIGNATURES: tuple[Signature, ...] = get_args(Signature)
_DEFAULT: Signature = "reconstruct"
# The name under which TensorFlow's clients know it; see contract one.
_SIGNATURE_NAMES: Mapping[str, Signature] = MappingProxyType(
    {**{name: name for name in _SIGNATURES}, "serving_default": _DEFAULT}
)

# No version has a longer number; a Selector never holds a zero.
_VERSION = re.compile(r"[1-9]\d{0,17}", re.ASCII).fullmatch
_DIGITS = re.compile(r"\d+", re.ASCII).fullmatch

_PICTURES = ("UINT8", (-1, IMAGE_SIDE, IMAGE_SIDE))
_ROW_FLOATS = ("FP32", (-1,))
# None stands for the width of the codes.
_TENSORS: Mapping[str, tuple[str, tuple[int | None, ...]]] = MappingProxyType(
    {
        "images": _PICTURES,
        "reconstructions": _PICTURES,
        "codes": ("FP32", (-1, None)),
        "errors": _ROW_FLOATS,
        "anomaly_scores": _ROW_FLOATS,
    }
)


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the protocol, which knows no signatures: there is one for each, and one that lets callers choose.

    Attributes:
        name: As clients call it.
        signature: What it runs; None where the parameter `signature_name` says.
    """

    name: str
    signature: Signature | None = None


def list_models(base: str) -> tuple[Model, ...]:
    """All models that a SavedModel of this name is offered as."""
    return (Model(base), *(Model(f"{base}-{signature}", signature) for signature in _SIGNATURES))


def find_model(name: str, base: str) -> Model:
    """The model of this name.

    Raises:
        NotFoundError: If there is none.
    """
    models = {model.name: model for model in list_models(base)}
    if name not in models:
        raise NotFoundError(f"there is no model {shorten(name)}; there are {', '.join(models)}")
    return models[name]


def choose_signature(model: Model, parameters: Mapping[str, Any]) -> Signature:
    """The signature that a request runs.

    Raises:
        MalformedRequestError: If the parameter is no string.
        NotFoundError: If it names no signature, or another one than the model's.
    """
    name = take(parameters, "signature_name", str, "parameters.")
    if name is None:
        return model.signature or _DEFAULT
    if name not in _SIGNATURE_NAMES:
        raise NotFoundError(f"signature_name is {shorten(name)}, expected one of {', '.join(_SIGNATURE_NAMES)}")
    signature = _SIGNATURE_NAMES[name]
    if model.signature not in {None, signature}:
        raise NotFoundError(f"signature_name is {shorten(name)}, the model {model.name} has no such signature")
    return signature


def choose_outputs(signature: Signature, names: Sequence[str]) -> tuple[str, ...]:
    """The outputs that a request wants, in its order; all if it names none.

    Raises:
        MalformedRequestError: If one is unknown, or comes twice.
    """
    known = contract.OUTPUTS[signature]
    for name in names:
        if name not in known:
            raise MalformedRequestError(f"output {shorten(name)} is unknown; {signature} has {', '.join(known)}")
    if len(set(names)) != len(names):
        raise MalformedRequestError(f"outputs are {', '.join(names[:8])}, expected each of them once")
    return tuple(names) or known


def parse_version(text: str) -> Selector:
    """The version that a request means: empty is the newest one, digits are a number, anything else is a label.

    Raises:
        NotFoundError: If it is a number that no version can have.
    """
    if not text:
        return NEWEST
    if not _DIGITS(text):
        return Selector(label=text)
    if not _VERSION(text):
        raise NotFoundError(f"there is no version {shorten(text)}")
    return Selector(version=int(text))


def describe_inputs(signature: Signature, code_dim: int | None) -> list[dict[str, Any]]:
    """Metadata of what a signature takes; -1 where a size varies or is not known yet."""
    return [_describe_tensor(contract.INPUTS[signature], code_dim)]


def describe_outputs(signature: Signature, code_dim: int | None) -> list[dict[str, Any]]:
    """Metadata of what a signature answers."""
    return [_describe_tensor(name, code_dim) for name in contract.OUTPUTS[signature]]


def _describe_tensor(name: str, code_dim: int | None) -> dict[str, Any]:
    datatype, sizes = _TENSORS[name]
    shape = [(code_dim or -1) if size is None else size for size in sizes]
    return {"name": name, "datatype": datatype, "shape": shape}
