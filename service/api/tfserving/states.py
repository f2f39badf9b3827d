"""How the versions of the model are, as GetModelStatus and its REST twin answer it."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.json_format import MessageToDict

from service.api.tfserving.spec import Spec
from service.domain import VersionStatus
from service.errors import NotFoundError
from service.wire.tensorflow_serving import GetModelStatusResponse, ModelVersionStatus

# tensorflow.error.Code: the backend says in words why a version failed, and TensorFlow Serving's codes vary.
_FAILED = 2
_UNAVAILABLE = 14


def render_states(spec: Spec, served: str, statuses: Sequence[VersionStatus]) -> Any:
    """The GetModelStatusResponse; a label is ignored, as TensorFlow Serving does.

    Args:
        spec: What was asked for.
        served: The model that is served here.
        statuses: Its versions.

    Raises:
        NotFoundError: If there is nothing to tell.
    """
    known = statuses if spec.name == served else ()
    if spec.version is not None:
        known = [status for status in known if status.version == spec.version]
    if not known:
        what = "any versions" if spec.version is None else f"version {spec.version}"
        raise NotFoundError(f"Could not find {what} of model {spec.name}")
    return GetModelStatusResponse(model_version_status=[_render_state(status) for status in known])


def render_states_document(response: Any) -> dict[str, Any]:
    """The same as REST answers it."""
    return MessageToDict(response, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _render_state(status: VersionStatus) -> Any:
    state = ModelVersionStatus(version=status.version, state=status.state)
    state.status.SetInParent()  # an OK status is all defaults, and is to be there nevertheless
    if status.error is not None and status.state != "AVAILABLE":
        state.status.error_code = _FAILED if status.state == "END" else _UNAVAILABLE  # the others may yet answer
        state.status.error_message = status.error
    return state
