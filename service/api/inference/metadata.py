"""What the server and its models say of themselves; the same words for both doors."""

from typing import Any

from service import __version__
from service.api.inference.models import (
    choose_signature,
    describe_inputs,
    describe_outputs,
    find_model,
    list_models,
    parse_version,
)
from service.codec import Codec
from service.domain import Selector, VersionStatus
from service.errors import NotFoundError

SERVER_NAME = "digitcodec"
EXTENSIONS = ("binary_tensor_data", "model_repository")
PLATFORM = "tensorflow_savedmodel"

# As Triton's repository extension names them.
_STATES = {"AVAILABLE": "READY", "LOADING": "LOADING", "UNLOADING": "UNLOADING", "END": "UNAVAILABLE"}


def describe_server() -> dict[str, Any]:
    """Metadata of the server."""
    return {"name": SERVER_NAME, "version": __version__, "extensions": list(EXTENSIONS)}


def describe_model(name: str, version: str, codec: Codec) -> dict[str, Any]:
    """Metadata of a model.

    Raises:
        NotFoundError: If there is no such model, version or label.
    """
    signature = choose_signature(find_model(name, codec.model_name), {})
    code_dim = find_code_dim(version, codec)
    return {
        "name": name,
        "versions": [str(status.version) for status in codec.describe() if status.state == "AVAILABLE"],
        "platform": PLATFORM,
        "inputs": describe_inputs(signature, code_dim),
        "outputs": describe_outputs(signature, code_dim),
    }


def find_code_dim(version: str, codec: Codec) -> int | None:
    """Width of the codes of a version, if it is known.

    Raises:
        NotFoundError: If there is no such version or label.
    """
    status = _find_status(version, codec)
    return status.code_dim if status else None


def is_model_ready(name: str, version: str, codec: Codec) -> bool:
    """True while the model would answer.

    Raises:
        NotFoundError: If there is no such model, version or label.
    """
    find_model(name, codec.model_name)
    status = _find_status(version, codec)
    return codec.is_ready() and status is not None and status.state == "AVAILABLE"


def list_index(codec: Codec, *, only_ready: bool) -> list[dict[str, str]]:
    """Every version of every model and its state."""
    return [
        {
            "name": model.name,
            "version": str(status.version),
            "state": _STATES[status.state],
            "reason": status.error or "",
        }
        for model in list_models(codec.model_name)
        for status in codec.describe()
        if status.state == "AVAILABLE" or not only_ready
    ]


def _find_status(version: str, codec: Codec) -> VersionStatus | None:
    """The version that an inference would get; None if nothing is known yet."""
    selector = parse_version(version)
    statuses = codec.describe()
    if selector.version is None and selector.label is None:
        return next((status for status in statuses if status.state == "AVAILABLE"), None)
    found = [status for status in statuses if _is_meant(status, selector)]
    if statuses and not found:
        raise NotFoundError(f"there is no version {version!r}; there are {[status.version for status in statuses]}")
    return found[0] if found else None


def _is_meant(status: VersionStatus, selector: Selector) -> bool:
    if selector.label is not None:
        return selector.label in status.labels
    return status.version == selector.version
