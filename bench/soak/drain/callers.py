"""Callers who go on as long as anybody takes their connections, and account for every request."""

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import grpc

from bench.load.catalogue import Question
from bench.load.http import CutOffError, HttpConnection, connect
from bench.load.rpc import OPTIONS, RpcCaller, describe_failure, join_parts
from bench.load.verdict import Outcome, Verdict
from bench.soak.drain.ledger import End, Ledger
from bench.words.ask import Door, Reply, RpcRequest, StreamRequest

# Longer than any deadline and any grace: whoever waits so long waits for nothing.
_LIMIT_S = 45.0
# A caller who is refused comes again, but does not hammer.
_PAUSE_S = 0.02
_NOT_READY = "not_ready"
# gRPC's own words for a connection that could not be made, and on which nothing was sent.
_UNCONNECTED = "failed to connect"
# Messages of a stream that may be without an answer: enough that the service always has something to read.
_AHEAD = 8


async def call_http(place: tuple[str, int], questions: Sequence[Question], think_s: float, ledger: Ledger) -> None:
    """Ask over kept connections until no new one can be had.

    Args:
        place: Host and port.
        questions: Asked in turn.
        think_s: Seconds between an answer and the next question: the time in which a kept connection idles.
        ledger: Is told of everything.
    """
    connection: HttpConnection | None = None
    for question in itertools.cycle(questions):
        if connection is None or not connection.is_open:
            try:
                connection = await connect(*place)
            except OSError:
                ledger.refused_connections += 1
                return
        await _ask_http(connection, question, ledger)
        await asyncio.sleep(think_s)


async def _ask_http(connection: HttpConnection, question: Question, ledger: Ledger) -> None:
    is_kept = connection.answers > 0
    if not connection.is_open:
        return
    ledger.sent[question.door] += 1
    try:
        async with asyncio.timeout(_LIMIT_S):
            reply = await connection.ask(question.wire)
    except CutOffError as error:
        is_race = is_kept and not error.received
        state = "kept" if is_kept else "new"
        ledger.note_end(question.door, End.RACED if is_race else End.LOST, f"{state} connection: {error}")
    except TimeoutError:
        connection.close()
        ledger.note_end(question.door, End.LOST, f"no answer within {_LIMIT_S:.0f} s")
    else:
        ledger.note_verdict(question.door, question.judge.judge(reply))


async def call_rpc(address: str, questions: Sequence[Question], ledger: Ledger) -> None:
    """Make unary calls over a channel of one's own until it cannot connect."""
    caller, is_told = RpcCaller(address, 1), False
    for question in itertools.cycle(questions):
        assert isinstance(question.request, RpcRequest)  # noqa: S101 - for the type checker
        reply = await caller.ask(question.request, _LIMIT_S)
        if _is_unconnected(reply):
            ledger.refused_connections += 1
            break
        ledger.sent[question.door] += 1
        if _is_cut(reply):
            ledger.note_end(question.door, End.INSISTED if is_told else End.LOST, f"{reply.status}: {reply.detail}")
        else:
            ledger.note_verdict(question.door, question.judge.judge(reply))
        is_told = is_told or reply.reason == _NOT_READY
        if reply.status != "OK":
            await asyncio.sleep(_PAUSE_S)
    await caller.close()


def _is_cut(reply: Reply) -> bool:
    """The service has not said a word: gRPC has ended the call."""
    return reply.status in {"CANCELLED", "UNAVAILABLE"} and not reply.reason


def _is_unconnected(reply: Reply) -> bool:
    return reply.status == "UNAVAILABLE" and not reply.reason and _UNCONNECTED in reply.detail.lower()


async def call_streams(address: str, questions: Sequence[Question], ledger: Ledger) -> None:
    """Keep a stream busy, and open another when it ends, until the channel cannot connect."""
    await asyncio.to_thread(_call_streams, address, questions, ledger)


def _call_streams(address: str, questions: Sequence[Question], ledger: Ledger) -> None:
    is_told = False
    with grpc.insecure_channel(address, options=OPTIONS) as channel:
        while not _is_unconnected(end := _Stream(channel, questions[0]).run(ledger, is_told=is_told)):
            is_told = is_told or end.reason == _NOT_READY
            time.sleep(_PAUSE_S)


class _Stream:
    """One call of the stream; its messages are those of one question, over and over."""

    def __init__(self, channel: grpc.Channel, question: Question) -> None:
        assert isinstance(question.request, StreamRequest)  # noqa: S101 - for the type checker
        self._question = question
        self._messages = question.request.messages
        self._method: Any = channel.stream_stream(question.request.path)
        self._room = threading.Semaphore(_AHEAD)
        self._is_over = False
        self._written = 0

    def run(self, ledger: Ledger, *, is_told: bool) -> Reply:
        """Write and read until the service ends the call; returns how it did.

        Args:
            ledger: Is told of everything.
            is_told: The service has said before that it stops.
        """
        parts: list[bytes] = []
        try:
            for part in self._method(self._write(), timeout=_LIMIT_S):
                parts.append(part)
                self._room.release()
            end = Reply("OK")
        except grpc.RpcError as error:
            end = describe_failure(error)
        self._is_over = True
        self._room.release()  # whoever waits to write sees that it is over
        self._account(parts, end, ledger, is_told=is_told)
        return end

    def _write(self) -> Iterator[bytes]:
        for message in itertools.cycle(self._messages):
            self._room.acquire()
            if self._is_over:
                return
            self._written += 1
            yield message

    def _account(self, parts: list[bytes], end: Reply, ledger: Ledger, *, is_told: bool) -> None:
        if _is_unconnected(end):
            ledger.refused_connections += 1
            return
        ledger.sent[Door.STREAM] += self._written
        for start in range(0, len(parts), len(self._messages)):
            self._judge(parts[start : start + len(self._messages)], ledger)
        unread = self._written - len(parts)
        if end.reason == _NOT_READY:
            ledger.note_end(Door.STREAM, End.UNREAD, number=unread)
        else:
            cut = End.INSISTED if is_told and _is_cut(end) and not parts else End.LOST
            ledger.note_end(Door.STREAM, cut, f"{end.status}: {end.detail}", unread)

    def _judge(self, parts: list[bytes], ledger: Ledger) -> None:
        """Hold answers against those of the question; where the service stopped half-way, only that they are whole."""
        reply = join_parts(parts)
        is_whole = len(parts) == len(self._messages)
        verdict = self._question.judge.judge(reply) if is_whole or reply.status != "OK" else Verdict(Outcome.RIGHT)
        for _ in parts:
            ledger.note_verdict(Door.STREAM, verdict)
