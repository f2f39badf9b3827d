"""What a model server tells of a version's signatures, held against contract one."""

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError

from service.backends.contract import ContractViolationError, check_signatures
from service.wire.signatures import describe_signatures
from service.wire.tensorflow_serving import SignatureDefMap

FIELD = "signature_def"


@dataclass(frozen=True, slots=True)
class Checked:
    """A version's signatures, and whether they are those of contract one.

    Attributes:
        signatures: Inputs and outputs of each, as `VersionStatus.signatures` has them.
        code_dim: Width of its codes, or None if it violates the contract.
        violation: The first difference, or None if there is none.
        unread: Why the server did not tell this time, or None if it did; the next look asks again.
    """

    signatures: dict[str, Any] = field(default_factory=dict)
    code_dim: int | None = None
    violation: str | None = None
    unread: str | None = None


def check(response: Any) -> Checked:
    """Judge a GetModelMetadataResponse; a difference is noted, not raised."""
    definitions = SignatureDefMap()
    try:
        is_there = response.metadata[FIELD].Unpack(definitions)
    except DecodeError:
        is_there = False
    if not is_there:
        return Checked(violation="the server's metadata holds no signatures")
    signatures = describe_signatures(definitions.signature_def)
    try:
        return Checked(signatures, check_signatures(signatures))
    except ContractViolationError as error:
        return Checked(signatures, violation=str(error))
