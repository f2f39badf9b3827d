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
from service.api.versions import find_listed, find_number, find_status, run_blank
from service.codec import Codec
from service.domain import Deadline, Origin, VersionStatus
from service.errors import DigitCodecError, NotFoundError, NotReadyError

SERVER_NAME = "digitcodec"
EXTENSIONS = ("binary_tensor_data", "model_repository")
PLATFORM = "tensorflow_savedmodel"

# As Triton's repository extension names them.
_STATES = {"AVAILABLE": "READY", "LOADING": "LOADING", "UNLOADING": "UNLOADING", "END": "UNAVAILABLE"}


def describe_server() -> dict[str, Any]:
    """Metadata of the server."""
    return {"name": SERVER_NAME, "version": __version__, "extensions": list(EXTENSIONS)}


async def describe_model(name: str, version: str, codec: Codec, deadline: Deadline, origin: Origin) -> dict[str, Any]:
    """Metadata of a model.

    Raises:
        NotFoundError: If there is no such model, version or label.
        DigitCodecError: What else the core says of a label that only the model server knows.
    """
    signature = choose_signature(find_model(name, codec.model_name), {})
    status = await _find_version(version, codec, deadline, origin)
    code_dim = status.code_dim if status else None
    return {
        "name": name,
        "versions": [str(status.version) for status in codec.describe() if status.state == "AVAILABLE"],
        "platform": PLATFORM,
        "inputs": describe_inputs(signature, code_dim),
        "outputs": describe_outputs(signature, code_dim),
    }


async def find_code_dim(version: str, codec: Codec, deadline: Deadline, origin: Origin) -> int | None:
    """Width of the codes of a version; None if it cannot be found out, and then an inference will say why."""
    try:
        selector = parse_version(version)
        known = find_status(find_listed(selector, codec), codec)
        if known is not None and known.code_dim is not None:
            return known.code_dim
        return int((await run_blank(selector, codec, deadline, origin)).codes.shape[1])
    except DigitCodecError:
        return None


async def is_model_ready(name: str, version: str, codec: Codec, deadline: Deadline, origin: Origin) -> bool:
    """True while the model would answer.

    Raises:
        NotFoundError: If there is no such model, version or label.
        DigitCodecError: What else the core says of a label that only the model server knows.
    """
    find_model(name, codec.model_name)
    status = await _find_version(version, codec, deadline, origin)
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


async def _find_version(version: str, codec: Codec, deadline: Deadline, origin: Origin) -> VersionStatus | None:
    """The version that an inference would get; None if nothing is known of it yet."""
    selector = parse_version(version)
    try:
        number = await find_number(selector, codec, deadline, origin)
    except NotReadyError:
        return None
    found = find_status(number, codec)
    statuses = codec.describe()
    if found is None and selector.version is not None and statuses:
        raise NotFoundError(f"there is no version {version!r}; there are {[status.version for status in statuses]}")
    return found
