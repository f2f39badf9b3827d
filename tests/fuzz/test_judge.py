"""The judge of answers finds what must not be."""

from pathlib import Path

import pytest

from bench.fuzz.cases import HttpCase, RpcCase
from bench.fuzz.findings import load_finding, save_finding
from bench.fuzz.judge import judge_http, judge_rpc
from bench.fuzz.replies import FindingError, HttpReply, RpcReply
from service.api.grpc.status import DETAILS_KEY, render_status
from service.api.http.problems import render_problem
from service.errors import DigitCodecError, MalformedRequestError
from service.wire import codec_pb2 as codec

CASE = HttpCase(b"POST", b"/encode")
CALL = RpcCase("/digitcodec.v1.Codec/Encode", (b"",))
STREAM = RpcCase("/digitcodec.v1.Codec/ReconstructStream", (b"", b""), is_stream=True)
PROBLEM = {"content-type": "application/problem+json", "x-request-id": "1"}
FAILED = codec.ReconstructStreamResponse(failure=codec.Failure(code=13))
JSON = {"content-type": "application/json", "x-request-id": "1"}


def problem(error: DigitCodecError, request_id: bytes = b"1") -> bytes:
    """The body of a refusal by our own routes."""
    return render_problem(error, request_id=request_id, instance="/encode").body


def details(error: DigitCodecError) -> dict[str, str | bytes]:
    """The trailing metadata of a call that failed."""
    return {DETAILS_KEY: render_status(error).info, "x-request-id": "1"}


def test_documented_answers_pass() -> None:
    """Good ones and refusals."""
    error = MalformedRequestError("no")
    judge_http(CASE, HttpReply(200, JSON, b"{}"))
    judge_http(CASE, HttpReply(400, PROBLEM, problem(error)))
    judge_http(CASE, HttpReply(431, {"connection": "close"}, b'{"request_id": ""}'))
    judge_http(HttpCase(b"GET", b"/%76%31/models"), HttpReply(404, JSON, b'{"error": "no"}'))
    judge_rpc(CALL, RpcReply("OK", "", {}, (b"",)))
    judge_rpc(CALL, RpcReply("INVALID_ARGUMENT", "no", details(error), ()))


@pytest.mark.parametrize(
    "reply",
    [
        HttpReply(500, PROBLEM, problem(DigitCodecError("no"))),
        HttpReply(500, {"content-type": "text/plain"}, b"Internal Server Error"),
        HttpReply(200, {"content-type": "application/json"}, b"{}"),
        HttpReply(200, JSON, b"{"),
        HttpReply(200, {**JSON, "content-type": "image/png"}, b"GIF89a"),
        HttpReply(400, JSON, b'{"error": "no"}'),
        HttpReply(400, PROBLEM, problem(MalformedRequestError("no"), b"2")),
        HttpReply(404, PROBLEM, problem(MalformedRequestError("no"))),
        HttpReply(418, PROBLEM, b"{}"),
        HttpReply(400, {"connection": "close"}, b"Invalid HTTP request received."),
        HttpReply(422, {"connection": "close"}, b'{"request_id": ""}'),
        HttpReply(400, {}, b'{"request_id": ""}'),
    ],
)
def test_other_answers_are_findings(reply: HttpReply) -> None:
    """Statuses that are not documented, or a refusal in another shape."""
    with pytest.raises(FindingError):
        judge_http(CASE, reply)


@pytest.mark.parametrize(
    ("case", "reply"),
    [
        (CALL, RpcReply("INTERNAL", "no", details(DigitCodecError("no")), ())),
        (CALL, RpcReply("UNKNOWN", "no", {}, ())),
        (CALL, RpcReply("INVALID_ARGUMENT", "no", {}, ())),
        (CALL, RpcReply("INVALID_ARGUMENT", "yes", details(MalformedRequestError("no")), ())),
        (STREAM, RpcReply("OK", "", {}, (b"",))),
        (STREAM, RpcReply("OK", "", {}, (b"", codec.ReconstructStreamResponse(id="x").SerializeToString()))),
        (
            STREAM,
            RpcReply("OK", "", {}, (b"", FAILED.SerializeToString())),
        ),
    ],
)
def test_other_ends_of_calls_are_findings(case: RpcCase, reply: RpcReply) -> None:
    """Codes that are not documented, missing details, and answers of a stream that are lost or mixed up."""
    with pytest.raises(FindingError):
        judge_rpc(case, reply)


def test_findings_can_be_read_back(tmp_path: Path) -> None:
    """The file holds what was sent."""
    path = save_finding(tmp_path / "new", "A target", 7, [CASE, STREAM], "why")

    assert "a-target-7.json" == path.name
    assert [CASE, STREAM] == load_finding(path)
