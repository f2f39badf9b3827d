"""What an answer must look like, whatever was asked: statuses that are documented, and the shape of a refusal."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from io import BytesIO
from typing import Any
from urllib.parse import unquote

import httptools
import numpy as np
import orjson
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from bench.fuzz.cases import HttpCase, RpcCase
from bench.fuzz.replies import FindingError, HttpReply, RpcReply
from service.api.grpc.status import CODES, DETAILS_KEY, DOMAIN
from service.api.http.problems import PROBLEM_JSON, PROBLEMS
from service.api.inference.rest_failures import STATUSES
from service.api.tfserving.status import CODES as SERVING_CODES
from service.api.tfserving.status import HTTP_STATUSES
from service.wire import codec_pb2 as codec

_PROBLEM_KEYS = {"type", "title", "status", "detail", "instance", "reason", "request_id", "errors"}
_REASONS = {kind.reason for kind in PROBLEMS}
_GOOD = frozenset({200, 204, 307})
# Documented too, but as mistakes of ours, or of a model that is not at fault here.
_OURS = frozenset({500, 501, 502})
_RPC_OURS = frozenset({"INTERNAL", "UNKNOWN", "DATA_LOSS"})
# The HTTP server's own words: to what is no HTTP, comes too slowly or is too long, and when too many are connected.
_UNHEARD = frozenset({400, 408, 431, 503})
_PNG = b"\x89PNG\r\n\x1a\n"

_ALLOWED: Mapping[str, AbstractSet[int]] = {
    "": {problem.status for problem in PROBLEMS.values()} - _OURS,
    "/v1": {HTTP_STATUSES[code] for code in SERVING_CODES.values()} - _OURS,
    "/v2": set(STATUSES.values()) - _OURS,
}
# Health and reflection are gRPC's own libraries; this is what they say to bytes that are no message, and what our end
# of gRPC says when they then do not wait for the rest of a stream.
_LIBRARIES = ("/grpc.health.", "/grpc.reflection.")
_NO_MESSAGE = re.compile("Internal error from Core").search
_STREAM = "/digitcodec.v1.Codec/ReconstructStream"


def judge_http(case: HttpCase, reply: HttpReply) -> None:
    """Check one answer.

    Raises:
        FindingError: If it is not as documented.
    """
    if "x-request-id" not in reply.headers:
        _judge_unheard(case, reply)
        return
    if reply.status in _GOOD:
        _judge_good(case, reply)
        return
    door = _find_door(case.target)
    if reply.status not in _ALLOWED[door]:
        raise FindingError(f"{reply.status} is not documented: {reply.body[:300]!r}")
    if case.method != b"HEAD":
        _judge_refusal(door, reply)


def _judge_unheard(case: HttpCase, reply: HttpReply) -> None:
    """What the server itself says before an application has heard of a request has no id, and ends the connection."""
    document = {"request_id": ""} if case.method == b"HEAD" else _load(reply)
    is_refusal = reply.status in _UNHEARD and reply.headers.get("connection") == "close"
    if not is_refusal or document.get("request_id") != "":
        raise FindingError(f"{reply.status} has no request id: {reply.body[:300]!r}")


def _find_door(target: bytes) -> str:
    """The first step of the path where another protocol is spoken below it, else nothing."""
    path = unquote((httptools.parse_url(target).path or b"").decode("ascii", "replace"))
    step = "/" + path[1:].partition("/")[0].lower()
    return step if step in _ALLOWED else ""


def _judge_good(case: HttpCase, reply: HttpReply) -> None:
    if case.method == b"HEAD" or reply.status != 200:
        return
    media_type = reply.headers.get("content-type", "").partition(";")[0]
    if media_type == "application/json":
        _load(reply)
    elif media_type == "application/x-npy":
        np.load(BytesIO(reply.body), allow_pickle=False)
    elif media_type == "image/png" and not reply.body.startswith(_PNG):
        raise FindingError(f"a good answer that is no PNG file: {reply.body[:100]!r}")


def _judge_refusal(door: str, reply: HttpReply) -> None:
    document = _load(reply)
    if door:
        if not isinstance(document.get("error"), str):
            raise FindingError(f"a refusal without an error text: {reply.body[:300]!r}")
        return
    expected: tuple[object, ...] = PROBLEM_JSON, _PROBLEM_KEYS, reply.status, reply.headers["x-request-id"]
    came = reply.headers["content-type"], set(document), document.get("status"), document.get("request_id")
    if expected != came or document["reason"] not in _REASONS:
        raise FindingError(f"{came} is no problem document: {reply.body[:300]!r}")


def _load(reply: HttpReply) -> dict[str, Any]:
    try:
        document: dict[str, Any] = orjson.loads(reply.body)
    except orjson.JSONDecodeError as error:
        raise FindingError(f"{reply.status} whose body is not JSON: {reply.body[:300]!r}") from error
    return document


def judge_rpc(case: RpcCase, reply: RpcReply) -> None:
    """Check the end of one call, and the answers of a stream.

    Raises:
        FindingError: If it is not as documented.
    """
    if case.path.startswith(_LIBRARIES):
        if reply.code in {*_RPC_OURS, "UNAVAILABLE", "DEADLINE_EXCEEDED"} and not _NO_MESSAGE(reply.detail):
            raise FindingError(f"{reply.code}: {reply.detail[:300]}")
        return
    if case.path == _STREAM:
        _judge_stream(case, reply)
    if reply.code == "OK":
        return
    if reply.code == "UNIMPLEMENTED" and DETAILS_KEY not in reply.trailing:
        return  # gRPC's own word for a method that is not there
    _judge_status(case, reply)


def _judge_status(case: RpcCase, reply: RpcReply) -> None:
    codes = SERVING_CODES if case.path.startswith("/tensorflow.") else CODES
    if reply.code not in {code.name for code in codes.values()} - _RPC_OURS:
        raise FindingError(f"{reply.code} is not documented: {reply.detail[:300]}")
    details = reply.trailing.get(DETAILS_KEY)
    if not isinstance(details, bytes) or "x-request-id" not in reply.trailing:
        raise FindingError(f"{reply.code} has no details or no request id: {reply.detail[:300]}")
    status, info = Status.FromString(details), ErrorInfo()
    if (
        not status.details
        or not status.details[0].Unpack(info)
        or info.domain != DOMAIN
        or status.message != reply.detail
    ):
        raise FindingError(f"{reply.code} with details that do not fit: {status}")


def _judge_stream(case: RpcCase, reply: RpcReply) -> None:
    """One answer for each request unless the call failed; a refusal within has a documented code."""
    if reply.code == "OK" and len(reply.messages) != len(case.messages):
        raise FindingError(f"{len(reply.messages)} answers came to {len(case.messages)} requests of a stream")
    ours = {code.value[0] for code in CODES.values() if code.name in _RPC_OURS}
    for sent, data in zip(case.messages, reply.messages, strict=False):
        answer = codec.ReconstructStreamResponse.FromString(data)
        if answer.failure.code in ours:
            raise FindingError(f"a failure of ours in a stream: {answer.failure}")
        if _read_id(sent)[: len(answer.id)] != answer.id:
            raise FindingError(f"the answer to {_read_id(sent)!r} has the id {answer.id!r}")


def _read_id(data: bytes) -> str:
    try:
        return codec.ReconstructStreamRequest.FromString(data).id
    except DecodeError:
        return ""
