"""The one table from errors to gRPC: status code and rich details; decides nothing else."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from service.errors import (
    BackendError,
    DeadlineExceededError,
    DigitCodecError,
    Fault,
    InvalidCodeError,
    InvalidImageError,
    MalformedRequestError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
    PayloadTooLargeError,
    UnauthenticatedError,
    UnsupportedMediaError,
    find_by_class,
    hide_unknown,
)

DOMAIN = "digitcodec"
"""Domain of every ErrorInfo."""

DETAILS_KEY = "grpc-status-details-bin"
"""Trailing metadata that carries a google.rpc.Status, as the richer error model of gRPC has it."""

# Metadata of a call is limited to 8 KiB by most clients. The detail takes 1 KiB of it, and the google.rpc.Status, which
# repeats the detail and names the faults, less than 4 KiB, or 5.4 KiB in base64.
_MAX_DETAIL_BYTES = 1024
_MAX_FAULTS_BYTES = 2560
_MAX_FAULT_BYTES = 160

CODES: Mapping[type[DigitCodecError], grpc.StatusCode] = MappingProxyType(
    {
        MalformedRequestError: grpc.StatusCode.INVALID_ARGUMENT,
        UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
        NotFoundError: grpc.StatusCode.NOT_FOUND,
        PayloadTooLargeError: grpc.StatusCode.INVALID_ARGUMENT,
        UnsupportedMediaError: grpc.StatusCode.INVALID_ARGUMENT,
        InvalidImageError: grpc.StatusCode.INVALID_ARGUMENT,
        InvalidCodeError: grpc.StatusCode.INVALID_ARGUMENT,
        OverloadedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
        BackendError: grpc.StatusCode.INTERNAL,
        NotReadyError: grpc.StatusCode.UNAVAILABLE,
        DeadlineExceededError: grpc.StatusCode.DEADLINE_EXCEEDED,
        DigitCodecError: grpc.StatusCode.INTERNAL,
    }
)


@dataclass(frozen=True, slots=True)
class RpcStatus:
    """How a call ends that failed.

    Attributes:
        code: The status code.
        detail: For people.
        info: A google.rpc.Status with the details for programs, serialized.
    """

    code: grpc.StatusCode
    detail: str
    info: bytes


def render_status(error: DigitCodecError) -> RpcStatus:
    """The status of a call that ended with this error."""
    return build_status(find_by_class(CODES, error), error.detail, error)


def render_any_status(error: Exception) -> RpcStatus:
    """The status of a call that ended with any exception; an unknown one is not shown."""
    return render_status(hide_unknown(error))


def build_status(code: grpc.StatusCode, detail: str, error: DigitCodecError) -> RpcStatus:
    """A status of another protocol's code and text, with our details of the error."""
    detail = _cut(detail, _MAX_DETAIL_BYTES)
    status = Status(code=code.value[0], message=detail)
    for message in _find_details(error):
        status.details.add().Pack(message)
    return RpcStatus(code, detail, status.SerializeToString())


def _find_details(error: DigitCodecError) -> list[Message]:
    details: list[Message] = [ErrorInfo(reason=error.reason, domain=DOMAIN)]
    if error.faults:
        details.append(_render_faults(error.faults))
    if error.retry_after_s is not None:
        details.append(RetryInfo(retry_delay=Duration(seconds=math.ceil(error.retry_after_s))))
    return details


def _render_faults(faults: Sequence[Fault]) -> BadRequest:
    """The first faults, as many as there is room for."""
    request = BadRequest()
    for fault in faults:
        violation = _render_fault(fault)
        if request.ByteSize() + violation.ByteSize() > _MAX_FAULTS_BYTES:
            break
        request.field_violations.append(violation)
    return request


def _render_fault(fault: Fault) -> BadRequest.FieldViolation:
    return BadRequest.FieldViolation(
        field=_cut(_render_path(fault.pointer), _MAX_FAULT_BYTES), description=_cut(fault.detail, _MAX_FAULT_BYTES)
    )


def _cut(text: str, max_bytes: int) -> str:
    """The beginning of a text that takes so many bytes at most, percent-encoded as gRPC sends its messages."""
    sizes = accumulate(_count_sent_bytes(character) for character in text[:max_bytes])
    return text[: sum(size <= max_bytes for size in sizes)]


def _count_sent_bytes(character: str) -> int:
    return 1 if " " <= character <= "~" and character != "%" else 3 * len(character.encode())


def _render_path(pointer: str) -> str:
    """A JSON pointer as BadRequest names fields: /images/3/0 is images[3][0]."""
    steps = pointer.strip("/").split("/")
    return "".join(f"[{step}]" if step.isdecimal() else f".{step}" for step in steps).lstrip(".")
