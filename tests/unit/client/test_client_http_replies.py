"""What HTTP replies mean that a healthy digitcodec does not send: proxies' pages, and answers to something else."""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import numpy as np
import pytest

from service.client import (
    Client,
    ClientError,
    DeadlineExceededError,
    InvalidImageError,
    Model,
    OverloadedError,
    RefusedError,
    Retries,
    UnexpectedAnswerError,
    UnreachableError,
)
from service.client.address import Address, Trust
from service.client.asks import Ask, CodeRows, Operation, Packed
from service.client.conversation import Send
from service.client.http.replies import read_reply
from service.client.http.requests import build_request
from service.client.http.transport import AsyncHttpTransport, HttpTransport
from service.images import render_npy, render_png

MODEL = {"x-model-name": "digits", "x-model-version": "1", "content-type": "application/x-npy"}
IMAGES = np.zeros((2, 28, 28), np.uint8)
PICTURES = [b64encode(render_png(image)).decode() for image in IMAGES]
DOCUMENT = {
    "model": {"name": "digits", "version": 1},
    "codes": [[0.5] * 4] * 2,
    "reconstructions": PICTURES,
    "errors": [0.1, 0.2],
    "anomaly_scores": [0.3, 0.4],
    "normalised": PICTURES,
}
VERDICTS = {"x-reconstruction-error": "0.1,0.2", "x-anomaly-score": "0.3,0.4"}


OPERATIONS: list[Operation] = ["encode", "score", "reconstruct"]


def ask(operation: Operation) -> Ask:
    """An ask of two rows."""
    return Ask(operation, CodeRows(np.zeros((2, 4), np.float32)) if operation == "decode" else Packed(IMAGES))


def ask_for_document(operation: Operation) -> Ask:
    """An ask of two rows whose answer is JSON."""
    return replace(ask(operation), include_normalised=True)


def test_answers_of_two_rows_are_read() -> None:
    """The replies below differ from these in one point each."""
    codes = read_reply(ask("encode"), 200, MODEL, render_npy(np.zeros((2, 4), np.float32)))
    pictures = read_reply(ask("reconstruct"), 200, MODEL | VERDICTS, render_npy(IMAGES))

    assert [2, 2] == [len(answer) for answer in (codes, pictures) if hasattr(answer, "__len__")]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_documents_of_two_rows_are_read(operation: Operation) -> None:
    """As above."""
    answer: Any = read_reply(ask_for_document(operation), 200, {}, json.dumps(DOCUMENT).encode())

    assert (Model("digits", 1), 2, (None, None)) == (answer.model, len(answer), answer.notes)
    np.testing.assert_array_equal(IMAGES, answer.normalised)


STRANGE: dict[str, tuple[Operation, dict[str, str], bytes]] = {
    "no npy": ("encode", MODEL, b"<html>"),
    "cut npy": ("encode", MODEL, render_npy(np.zeros((2, 4), np.float32))[:-1]),
    "other type": ("encode", MODEL, render_npy(np.zeros((2, 4)))),
    "other rows": ("encode", MODEL, render_npy(np.zeros((3, 4), np.float32))),
    "flat codes": ("encode", MODEL, render_npy(np.zeros(2, np.float32))),
    "no model": ("encode", {}, render_npy(np.zeros((2, 4), np.float32))),
    "no number": ("encode", MODEL | {"x-model-version": "one"}, render_npy(np.zeros((2, 4), np.float32))),
    "other pictures": ("decode", MODEL, render_npy(np.zeros((2, 28, 27), np.uint8))),
    "one column": ("score", MODEL, render_npy(np.zeros((2, 1), np.float32))),
    "no scores": ("reconstruct", MODEL, render_npy(IMAGES)),
    "too few scores": ("reconstruct", MODEL | VERDICTS | {"x-anomaly-score": "0.1"}, render_npy(IMAGES)),
    "one number": ("encode", MODEL, render_npy(np.zeros((), np.float32))),
    "too few notes": ("encode", MODEL | {"x-note": "flat"}, render_npy(np.zeros((2, 4), np.float32))),
    "models of another kind": ("models", {"content-type": "application/json"}, b'{"models": [{}]}'),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_answers_are_refused(name: str) -> None:
    """They end in the client's own error, never in one of its parser, and are not tried again."""
    operation, headers, body = STRANGE[name]
    with pytest.raises(UnexpectedAnswerError, match=f"the answer to {operation} cannot be read") as caught:
        read_reply(ask(operation), 200, headers, body)

    assert not caught.value.may_retry


STRANGE_DOCUMENTS: dict[str, tuple[Operation, Any]] = {
    "another kind": ("score", []),
    "no model": ("score", DOCUMENT | {"model": None}),
    "one code": ("encode", DOCUMENT | {"codes": [[0.5] * 4]}),
    "ragged codes": ("encode", DOCUMENT | {"codes": [[0.5], [0.5, 0.5]]}),
    "no codes": ("encode", DOCUMENT | {"codes": None}),
    "one score": ("score", DOCUMENT | {"anomaly_scores": [0.3]}),
    "no errors": ("reconstruct", DOCUMENT | {"errors": ["?", "?"]}),
    "one picture": ("reconstruct", DOCUMENT | {"reconstructions": PICTURES[:1]}),
    "no picture": ("reconstruct", DOCUMENT | {"reconstructions": ["AAAA", "AAAA"]}),
    "too many notes": ("score", DOCUMENT | {"notes": [None, None, "flat"]}),
    "notes of another kind": ("score", DOCUMENT | {"notes": 7}),
    "not normalised": ("encode", {name: value for name, value in DOCUMENT.items() if name != "normalised"}),
    "one normalised": ("encode", DOCUMENT | {"normalised": PICTURES[:1]}),
}


@pytest.mark.parametrize("name", STRANGE_DOCUMENTS)
def test_strange_documents_are_refused(name: str) -> None:
    """In the same way."""
    operation, document = STRANGE_DOCUMENTS[name]
    with pytest.raises(UnexpectedAnswerError, match=f"the answer to {operation} cannot be read"):
        read_reply(ask_for_document(operation), 200, {}, json.dumps(document).encode())


@pytest.mark.parametrize("operation", OPERATIONS)
def test_npy_instead_of_a_document_is_refused(operation: Operation) -> None:
    """It would lack the pictures that were asked for."""
    with pytest.raises(UnexpectedAnswerError):
        read_reply(ask_for_document(operation), 200, MODEL | VERDICTS, render_npy(IMAGES))


REPLIES: dict[str, tuple[int, type[ClientError]]] = {
    "proxy refuses": (429, OverloadedError),
    "proxy finds nobody": (502, UnreachableError),
    "proxy waits for a service": (503, UnreachableError),
    "proxy gave up": (504, UnexpectedAnswerError),
    "login page": (302, UnexpectedAnswerError),
    "other server": (404, UnexpectedAnswerError),
}


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"title": "no reason"}'])
def test_replies_without_a_problem_are_told_apart(name: str, body: bytes) -> None:
    """Whatever they are made of."""
    status, kind = REPLIES[name]
    with pytest.raises(ClientError, match=f"status {status}") as caught:
        read_reply(ask("encode"), status, {"content-type": "application/problem+json", "server": "proxy"}, body)

    assert kind is caught.type


@pytest.mark.parametrize(("places", "count"), [(None, 0), ([7], 0), ([{}], 1), ([{"pointer": "/images/1"}], 1)])
def test_faulty_places_are_read_as_far_as_they_go(places: Any, count: int) -> None:
    """A problem document is worth more than its places."""
    problem = json.dumps({"reason": "invalid_image", "errors": places}).encode()
    with pytest.raises(InvalidImageError) as caught:
        read_reply(ask("encode"), 422, {"content-type": "application/problem+json"}, problem)

    assert count == len(caught.value.errors)


def test_unknown_reason_is_kept() -> None:
    """A newer service may have reasons that this client does not know."""
    problem = {"reason": "too_cold", "detail": "3 degrees came", "request_id": "x"}
    with pytest.raises(RefusedError, match=r"3 degrees came \(too_cold, request x\)") as caught:
        read_reply(ask("encode"), 418, {"content-type": "application/problem+json"}, json.dumps(problem).encode())

    assert (RefusedError, "too_cold") == (caught.type, caught.value.reason)


def refuse_with(headers: dict[str, str]) -> float | None:
    """When to come back, by a refusal with these headers."""
    with pytest.raises(OverloadedError) as caught:
        read_reply(ask("encode"), 429, headers, b"")
    return caught.value.retry_after_s


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"retry-after": "7"}, 7.0), ({"retry-after": "soon"}, None), ({}, None)]
)
def test_retry_after_is_seconds(headers: dict[str, str], seconds: float | None) -> None:
    """What is no number says nothing."""
    assert seconds == refuse_with(headers)


def test_retry_after_is_a_date() -> None:
    """As some proxies send it; one that has passed means now."""
    now = datetime.now(UTC)
    dates = [format_datetime(now + timedelta(hours=hours), usegmt=True) for hours in (24, -24)]
    soon, passed = (refuse_with({"retry-after": date}) for date in dates)

    assert pytest.approx(24 * 3600, abs=600) == soon
    assert 0.0 == passed


def test_arrays_travel_as_bytes_and_threshold_to_its_last_bit() -> None:
    """No image is made a file for it."""
    request = build_request(Ask("score", Packed(IMAGES), threshold=0.1 + 0.2), 1.5, "id")

    assert ("application/octet-stream", 2 * 784) == (request.headers["Content-Type"], len(request.body or b""))
    assert ("1.500", 0.1 + 0.2) == (request.headers["X-Request-Timeout"], float(request.query["threshold"]))


FAILURES: dict[str, tuple[Exception, type[ClientError]]] = {
    "not connected in time": (httpx.ConnectTimeout("slow"), UnreachableError),
    "refused": (httpx.ConnectError("refused"), UnreachableError),
    "cut": (httpx.RemoteProtocolError("cut"), UnreachableError),
    "not read in time": (httpx.ReadTimeout("slow"), DeadlineExceededError),
    "not written in time": (httpx.WriteTimeout("slow"), DeadlineExceededError),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_what_httpx_raises_is_told_apart(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """By both transports; the id of the request goes with it."""
    failure, kind = FAILURES[name]

    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    address, send = Address("http", is_secure=False, target="http://door"), Send(ask("encode"), 1.0, "id")
    for transport in (HttpTransport(address, None, Trust()), AsyncHttpTransport(address, None, Trust())):
        replace_wire(transport, httpx.MockTransport(fail))
        with pytest.raises(kind) as caught:
            await send_by(transport, send)
        assert "id" == caught.value.request_id


def replace_wire(transport: Any, wire: httpx.MockTransport) -> None:
    """Let a transport talk to the test."""
    transport._client._transport = wire  # noqa: SLF001 - httpx offers no other way once it is made


async def send_by(transport: HttpTransport | AsyncHttpTransport, send: Send) -> Any:
    """Send by either of them."""
    return transport.send(send) if isinstance(transport, HttpTransport) else await transport.send(send)


def test_body_that_drips_beyond_the_deadline_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Httpx bounds each piece alone."""
    clock = iter([0.0, *[100.0] * 9])
    monkeypatch.setattr("service.client.http.transport.time.monotonic", lambda: next(clock))
    transport = HttpTransport(Address("http", is_secure=False, target="http://door"), None, Trust())
    replace_wire(transport, httpx.MockTransport(lambda _: httpx.Response(200, content=iter([b"a", b"b"]))))
    with pytest.raises(DeadlineExceededError, match="no answer came within 1 s"):
        transport.send(Send(ask("encode"), 1.0, "id"))


def test_client_needs_no_service_to_be_made() -> None:
    """Nothing is connected before the first call."""
    with Client("http://127.0.0.1:9", retries=Retries(max_attempts=1)) as client:
        assert not client.is_ready()
