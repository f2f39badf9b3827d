"""What the runs of this folder call right and wrong; without a service."""

import asyncio

import numpy as np
import orjson
import pytest

from bench.load.catalogue import build_catalogue
from bench.load.digits import Digits
from bench.load.http import CutOffError, HttpConnection, connect
from bench.load.kinds import KINDS
from bench.load.verdict import AnswerJudge, Outcome, RefusalJudge
from bench.soak.arrivals import Intent, Mix, plan_arrivals
from bench.words.ask import Door, Reading, Reply

_RIGHT = {"errors": np.array([0.1, 0.2], np.float32)}


def read_errors(reply: Reply) -> Reading:
    """A reply of JSON numbers, from version 3."""
    return Reading(3, {"errors": np.array(orjson.loads(reply.body), np.float32)})


def judge(body: bytes, status: str = "200") -> tuple[Outcome, bool]:
    """The verdict about a reply."""
    verdict = AnswerJudge(Door.OIP_REST, read_errors, _RIGHT).judge(Reply(status, body))
    return verdict.outcome, verdict.is_exact


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"[0.1, 0.2]", (Outcome.RIGHT, True)),
        (b"[0.1, 0.200001]", (Outcome.RIGHT, False)),
        (b"[0.2, 0.1]", (Outcome.WRONG, True)),
        (b"[0.1]", (Outcome.WRONG, True)),
        (b"[0.1, null]", (Outcome.WRONG, True)),
    ],
)
def test_an_answer_is_held_against_its_own_images(body: bytes, expected: tuple[Outcome, bool]) -> None:
    """Swapped rows, missing rows and no numbers are wrong; last bits are told apart."""
    assert expected == judge(body)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("429", Outcome.OVERLOADED),
        ("503", Outcome.NOT_READY),
        ("504", Outcome.EXPIRED),
        ("500", Outcome.UNDOCUMENTED),
        ("502", Outcome.UNDOCUMENTED),
    ],
)
def test_refusals_are_those_of_the_documents(status: str, expected: Outcome) -> None:
    """Every other status is a fault."""
    assert (expected, True) == judge(b"{}", status)


def test_bad_input_that_is_answered_is_a_fault() -> None:
    """And so is another reason than the documented one."""
    refusal = RefusalJudge(Door.HTTP, "422", "invalid_image")

    assert Outcome.REFUSED == refusal.judge(Reply("422", b'{"reason": "invalid_image"}')).outcome
    assert Outcome.UNDOCUMENTED == refusal.judge(Reply("422", b'{"reason": "internal"}')).outcome
    assert Outcome.WRONG == refusal.judge(Reply("200", b"{}")).outcome


def make_digits(count: int) -> Digits:
    """Images with made-up answers."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 28, 28), np.uint8)
    floats = {name: rng.random(count, np.float32) for name in ("errors", "anomaly_scores")}
    codes = rng.random((count, 4), np.float32)
    return Digits(images, {"codes": codes, "images": images, "reconstructions": images, **floats})


def test_every_door_and_size_is_asked() -> None:
    """The load leaves none out, and its weights are shares."""
    catalogue = build_catalogue(make_digits(600), 1)

    assert {(kind.door, size) for kind in KINDS for size in kind.sizes} == {
        (question.door, question.rows) for question in catalogue.good
    }
    assert set(Door) == {question.door for question in catalogue.bad}
    assert 1.0 == pytest.approx(catalogue.weights.sum())


def test_arrivals_are_fixed_ahead() -> None:
    """Equal seeds plan equal loads; the shares of faults are those that were asked for."""
    catalogue = build_catalogue(make_digits(80), 1, (1, 8))
    plans = [list(plan_arrivals(catalogue, 100, 50, Mix(0.2, 0.1, 0.1), 7)) for _ in range(2)]
    intents = [arrival.intent for arrival in plans[0]]

    assert plans[0] == plans[1]
    assert 0.2 == pytest.approx(intents.count(Intent.BAD) / len(intents), abs=0.03)
    assert [arrival.at_s for arrival in plans[0]] == sorted(arrival.at_s for arrival in plans[0])


async def ask_server(*chunks: bytes) -> tuple[HttpConnection, Reply]:
    """Ask a server that answers with these bytes and hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        connection = await connect(*server.sockets[0].getsockname())
        try:
            return connection, await connection.ask(b"POST / HTTP/1.1\r\n\r\n")
        finally:
            connection.close()


async def test_an_answer_in_pieces_is_read_whole() -> None:
    """Head and body may come as they like; what differs between equal answers is left out."""
    head = b"HTTP/1.1 200 OK\r\nDate: now\r\nX-Model-Version: 3\r\nContent-Le"
    _, reply = await ask_server(head, b"ngth: 4\r\n\r\nab", b"cd")

    assert ("200", b"abcd", "3") == (reply.status, reply.body, reply.find_header("x-model-version"))
    assert b"Date" not in reply.head


async def test_half_an_answer_is_no_answer() -> None:
    """A connection that ends early is told from one that never answered."""
    with pytest.raises(CutOffError) as caught:
        await ask_server(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")

    assert caught.value.received > 0
