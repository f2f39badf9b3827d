"""Which signature and outputs of contract one a request means."""

from collections.abc import Sequence

from service.api.tfserving.words import repeated_output, unknown_output
from service.backends import contract
from service.domain import Signature

DEFAULT = "serving_default"
"""What TensorFlow Serving calls the signature of a request that names none."""

_SIGNATURES: dict[str, Signature] = {DEFAULT: "reconstruct", **{name: name for name in contract.INPUTS}}


def find_signature(name: str) -> Signature | None:
    """The signature of this name, or None if there is none; an empty name is the default's."""
    return _SIGNATURES.get(name or DEFAULT)


def choose_outputs(signature: Signature, wanted: Sequence[str]) -> tuple[str, ...]:
    """The outputs that an output filter wants: an empty one wants all.

    Raises:
        MalformedRequestError: If it names an output twice, or one that the signature does not have.
    """
    outputs = contract.OUTPUTS[signature]
    for place, name in enumerate(wanted):
        if name not in outputs:
            raise unknown_output(name, outputs)
        if name in wanted[:place]:
            raise repeated_output(name)
    return tuple(wanted) or outputs
