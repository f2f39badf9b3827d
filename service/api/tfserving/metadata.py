"""What a version's signatures are, as GetModelMetadata and its REST twin answer it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from google.protobuf.json_format import MessageToDict

from service.api.tfserving.signatures import DEFAULT
from service.api.tfserving.words import MISSING_FIELD, PREDICT_METHOD
from service.domain import VersionStatus
from service.errors import MalformedRequestError
from service.wire.tensorflow_serving import GetModelMetadataResponse, SignatureDefMap
from service.wire.tensors import find_type

FIELD = "signature_def"

# Types of signatures beyond contract one that NumPy does not have.
_FOREIGN_TYPES: Mapping[str, int] = MappingProxyType({"string": 7, "bfloat16": 14})
_UNKNOWN_TYPE = 0


def check_fields(fields: Sequence[str]) -> None:
    """Refuse a request for other metadata than signatures.

    Raises:
        MalformedRequestError: If none is asked for, or another kind.
    """
    if not fields:
        raise MalformedRequestError(MISSING_FIELD)
    for field in fields:
        if field != FIELD:
            raise MalformedRequestError(f"Metadata field {field} is not supported")


def render_metadata(model_name: str, status: VersionStatus) -> Any:
    """The GetModelMetadataResponse about a version."""
    response = GetModelMetadataResponse()
    response.model_spec.name = model_name
    response.model_spec.version.value = status.version
    response.metadata[FIELD].Pack(_render_signatures(status.signatures))
    return response


def render_metadata_document(model_name: str, status: VersionStatus) -> dict[str, Any]:
    """The same as REST answers it."""
    spec = _to_document(render_metadata(model_name, status).model_spec)
    return {"model_spec": spec, "metadata": {FIELD: _to_document(_render_signatures(status.signatures))}}


def _to_document(message: Any) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _render_signatures(signatures: Mapping[str, Any]) -> Any:
    listed = dict(signatures)
    if "reconstruct" in listed:
        listed.setdefault(DEFAULT, listed["reconstruct"])
    definitions = SignatureDefMap()
    for name, signature in listed.items():
        definition = definitions.signature_def[name]
        definition.method_name = PREDICT_METHOD
        _fill(definition.inputs, signature["inputs"])
        _fill(definition.outputs, signature["outputs"])
    return definitions


def _fill(tensors: Any, described: Mapping[str, Any]) -> None:
    for name, tensor in described.items():
        tensors[name].name = tensor.get("name", "")
        tensors[name].dtype = _find_number(tensor["dtype"])
        for size in tensor["shape"]:
            tensors[name].tensor_shape.dim.add(size=size)


def _find_number(dtype: str) -> int:
    if dtype in _FOREIGN_TYPES:
        return _FOREIGN_TYPES[dtype]
    try:
        return find_type(dtype)
    except (TypeError, KeyError):
        return _UNKNOWN_TYPE
