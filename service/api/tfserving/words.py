"""What TensorFlow Serving says when a request fails, in its own words, as core errors; the codes are in `status`."""

from collections.abc import Collection, Iterable
from itertools import islice

from service.errors import DigitCodecError, MalformedRequestError, NotFoundError

MISSING_SPEC = "Missing ModelSpec"
MISSING_NAME = "ModelSpec has no name specified."
MISSING_NAME_IN_PATH = "Missing model name in request."
MISSING_FIELD = "GetModelMetadataRequest must specify at least one metadata_field"
LABELS_NOT_INIT = "Model labels does not init yet."
FULL_QUEUE = "The batch scheduling queue to which this task was submitted is full"

PREDICT_METHOD = "tensorflow/serving/predict"
"""The method name of every signature of contract one."""


# A map of inputs may hold a million; TensorFlow Serving itself names them all.
_MAX_NAMES = 8


class UnlistedError(NotFoundError):
    """A label, or a signature asked for by REST, that does not exist; an invalid argument to TensorFlow Serving."""


class UnmetError(NotFoundError):
    """Something that the model would have to have first; a failed precondition to TensorFlow Serving."""


class NotOfferedError(DigitCodecError):
    """A method that this service does not have."""

    reason = "unimplemented"


def unknown_label(label: str) -> UnlistedError:
    """No version has this label."""
    return UnlistedError(f"Unrecognized servable version label: {label}")


def unknown_rpc_signature(name: str) -> UnmetError:
    """The model has no such signature; as gRPC says it."""
    return UnmetError(f'Serving signature key "{name}" not found.')


def unknown_rest_signature(name: str) -> UnlistedError:
    """The model has no such signature; as REST says it."""
    return UnlistedError(f'Serving signature name: "{name}" not found in signature def')


def unavailable_for_label(version: int, model: str) -> UnmetError:
    """A label may only name a version that answers."""
    return UnmetError(
        f"Request to assign label to version {version} of model {model}, which is not currently available for inference"
    )


def wrong_inputs(sent: Collection[str], expected: str) -> MalformedRequestError:
    """The inputs are not the one of the signature; of many, the text names a few."""
    came = set(islice(sent, _MAX_NAMES))
    missing = () if expected in sent else (expected,)
    return MalformedRequestError(
        f"input size does not match signature: {len(sent)}!=1 len({_join(came)}) != len({_join([expected])}). "
        f"Sent extra: {_join(came - {expected})}. Missing but required: {_join(missing)}."
    )


def unparsable_tensor(name: str) -> MalformedRequestError:
    """A TensorProto whose type, shape and values do not fit together."""
    return MalformedRequestError(f"tensor parsing error: {name}")


def unknown_output(name: str, outputs: Iterable[str]) -> MalformedRequestError:
    """The output filter names what the signature does not have."""
    return MalformedRequestError(
        f"output tensor alias not found in signature: {name} Outputs expected to be in the set {_join(outputs)}."
    )


def repeated_output(name: str) -> MalformedRequestError:
    """The output filter names an output twice."""
    return MalformedRequestError(f"duplicate output tensor alias: {name}")


def wrong_method(kind: str, method: str) -> MalformedRequestError:
    """A predict signature was asked to classify or regress."""
    return MalformedRequestError(
        f"Expected {kind} signature method_name to be tensorflow/serving/{method}. Was: {PREDICT_METHOD}"
    )


def malformed_path(method: str, path: str) -> MalformedRequestError:
    """Nothing is routed there."""
    return MalformedRequestError(f"Malformed request: {method} {path}")


def _join(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
