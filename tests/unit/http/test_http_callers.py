"""Callers who send too much, leave early or run out of time, each driven by hand through ASGI."""

import asyncio
import json
from typing import Any

import pytest
from support.fakes import FakeBackend, HeldBackend, count_images
from support.http_door import DISCONNECT, Caller, LineLog, body_message, build_codec, build_door, build_scope

from service.api.http import watch
from service.settings import LimitSettings

IMAGE = count_images(1).tobytes()
OCTETS = (b"content-type", b"application/octet-stream")
CHUNKED = (b"transfer-encoding", b"chunked")
LIMITS = LimitSettings(max_body_bytes=100_000)


def length(size: int) -> tuple[bytes, bytes]:
    """The header that announces a body."""
    return (b"content-length", b"%d" % size)


async def test_announced_body_above_the_limit_is_refused_unread() -> None:
    """The answer is complete before one byte of the body is asked for."""
    caller = Caller()
    work = asyncio.create_task(
        start(build_door(limits=LIMITS), caller, build_scope("/encode", OCTETS, length(100_001)))
    )
    await caller.asked.wait()

    assert (413, b"close") == (caller.status, caller.headers[b"connection"])
    assert "too_large" == json.loads(caller.body)["reason"]
    assert not work.done()
    caller.incoming.put_nowait(DISCONNECT)
    await work
    assert not caller.sent[-1].get("more_body", False)


async def start(app: Any, caller: Caller, scope: dict[str, Any]) -> None:
    """Run one request to its end."""
    await app(scope, caller.receive, caller.send)


async def test_unannounced_body_is_refused_as_soon_as_it_passes_the_limit() -> None:
    """What comes after the limit is thrown away, not kept."""
    pieces = [body_message(bytes(40_000), more=True)] * 3
    caller = Caller(*pieces)
    work = asyncio.create_task(start(build_door(limits=LIMITS), caller, build_scope("/encode", OCTETS, CHUNKED)))
    await caller.asked.wait()

    assert (413, b"close") == (caller.status, caller.headers[b"connection"])
    assert "120000" in json.loads(caller.body)["detail"]
    caller.incoming.put_nowait(body_message(bytes(40_000), more=True))
    caller.incoming.put_nowait(body_message(b""))
    await work


async def test_lingering_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller who neither ends nor leaves is cut off."""
    monkeypatch.setattr("service.api.http.body.LINGER_S", 0.01)
    caller = Caller()
    await start(build_door(limits=LIMITS), caller, build_scope("/encode", OCTETS, length(10**9)))

    assert {"type": "http.response.body", "body": b""} == caller.sent[-1]


async def test_body_in_pieces_up_to_the_limit_is_taken() -> None:
    """Pieces are joined in order."""
    image = IMAGE * 127
    caller = Caller(
        *(body_message(image[i : i + 1000], more=i + 1000 < len(image)) for i in range(0, len(image), 1000))
    )
    scope = build_scope("/score", OCTETS, CHUNKED)
    await start(build_door(limits=LIMITS), caller, scope)

    assert (200, 127) == (caller.status, len(json.loads(caller.body)["errors"]))
    assert b"connection" not in caller.headers


async def test_refusal_of_a_small_unread_body_keeps_the_connection() -> None:
    """The server swallows so little by itself."""
    caller = Caller()
    await start(build_door(), caller, build_scope("/encode", (b"content-type", b"text/csv"), length(1000)))

    assert 415 == caller.status
    assert b"connection" not in caller.headers


async def test_caller_who_leaves_within_the_body_gets_no_answer() -> None:
    """The line says that nobody was there to answer."""
    log = LineLog()
    caller = Caller(body_message(IMAGE[:100], more=True), DISCONNECT)
    await start(build_door(log=log), caller, build_scope("/encode", OCTETS, CHUNKED))

    assert [] == caller.sent
    assert [("info", 499, "client_disconnected")] == [
        (level, fields["status"], fields["reason"]) for level, _, fields in log.lines
    ]


async def test_caller_who_leaves_while_waiting_frees_the_queue() -> None:
    """The work is cancelled: rows that still wait never reach the backend."""
    backend = HeldBackend()
    log = LineLog()
    app = build_door(codec=build_codec(backend), log=log)
    stayer, leaver = Caller(body_message(IMAGE)), Caller(body_message(IMAGE * 2))
    staying = asyncio.create_task(start(app, stayer, build_scope("/encode", OCTETS)))
    await backend.entered.wait()
    leaving = asyncio.create_task(start(app, leaver, build_scope("/encode", OCTETS)))
    await leaver.asked.wait()
    leaver.incoming.put_nowait(DISCONNECT)
    await leaving
    backend.gate.set()
    await staying

    assert ([], 200) == (leaver.sent, stayer.status)
    assert [1] == backend.batch_sizes
    assert [499, 200] == [fields["status"] for _, _, fields in log.lines]


async def test_quick_answer_never_asks_whether_the_caller_is_there() -> None:
    """Watching costs a task, so it begins only with answers that are slow."""
    caller = Caller(body_message(IMAGE))
    await start(build_door(), caller, build_scope("/encode", OCTETS))

    assert 200 == caller.status
    assert not caller.asked.is_set()


async def test_answer_over_the_deadline_is_504() -> None:
    """The caller's own timeout counts, also while the backend works."""
    caller = Caller(body_message(IMAGE))
    app = build_door(HeldBackend())
    await start(app, caller, build_scope("/encode", OCTETS, (b"x-request-timeout", b"0.02")))

    assert (504, "deadline_exceeded") == (caller.status, json.loads(caller.body)["reason"])


@pytest.mark.parametrize("sent", [[], [body_message(IMAGE[:9], more=True)]])
async def test_body_that_comes_too_slowly_is_504(sent: list[Any]) -> None:
    """A body is waited for no longer than its request may take."""
    caller = Caller(*sent)
    headers = (OCTETS, length(784), (b"x-request-timeout", b"0.02"))
    await start(build_door(), caller, build_scope("/encode", *headers))

    assert 504 == caller.status


async def test_timeouts_are_cut_to_the_limit() -> None:
    """Asking for an hour gives the most that the service allows."""
    caller = Caller(body_message(IMAGE))
    app = build_door(HeldBackend(), limits=LimitSettings(max_timeout_s=0.02, default_timeout_s=0.02))
    await start(app, caller, build_scope("/encode", OCTETS, (b"x-request-timeout", b"3600")))

    assert 504 == caller.status


async def test_cancellation_from_outside_passes_through() -> None:
    """A server that stops its tasks is not told that the caller left, and neither is the log."""
    backend = HeldBackend()
    log = LineLog()
    caller = Caller(body_message(IMAGE))
    work = asyncio.create_task(start(build_door(backend, log=log), caller, build_scope("/encode", OCTETS)))
    await backend.entered.wait()
    work.cancel()

    with pytest.raises(asyncio.CancelledError):
        await work
    assert [] == caller.sent
    assert [("warning", 503, "not_ready")] == [
        (level, fields["status"], fields["reason"]) for level, _, fields in log.lines
    ]


async def test_full_queue_is_429_with_retry_after() -> None:
    """The third image finds one running and one waiting."""
    backend = HeldBackend()
    app = build_door(codec=build_codec(backend, max_queue_rows=1))
    callers = [Caller(body_message(IMAGE)) for _ in range(3)]
    first = asyncio.create_task(start(app, callers[0], build_scope("/encode", OCTETS)))
    await backend.entered.wait()
    second = asyncio.create_task(start(app, callers[1], build_scope("/encode", OCTETS)))
    await callers[1].asked.wait()
    await start(app, callers[2], build_scope("/encode", OCTETS))
    backend.gate.set()
    await asyncio.gather(first, second)

    assert [200, 200, 429] == [caller.status for caller in callers]
    assert b"1" == callers[2].headers[b"retry-after"]


async def test_watch_leaves_no_task_behind() -> None:
    """Slow answers end their listener too."""
    backend = HeldBackend()
    caller = Caller(body_message(IMAGE))
    work = asyncio.create_task(start(build_door(backend), caller, build_scope("/encode", OCTETS)))
    await caller.asked.wait()
    assert 0 < watch.SLOW_S
    backend.gate.set()
    await work
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)

    assert {asyncio.current_task()} == asyncio.all_tasks()


async def test_caller_who_leaves_after_a_slow_body_is_noticed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that was slow before its body was whole is listened for from then on."""
    monkeypatch.setattr(watch, "SLOW_S", 0)
    backend = HeldBackend()
    caller = Caller(body_message(IMAGE[:9], more=True))
    work = asyncio.create_task(start(build_door(backend), caller, build_scope("/encode", OCTETS, CHUNKED)))
    await caller.asked.wait()
    caller.asked.clear()
    caller.incoming.put_nowait(body_message(IMAGE[9:]))
    await caller.asked.wait()
    # A server may repeat the end of the body; only a disconnect ends the work.
    caller.incoming.put_nowait(body_message(b""))
    caller.incoming.put_nowait(DISCONNECT)
    await work

    assert [] == caller.sent


async def test_server_that_repeats_itself_does_not_hold_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listening ends when it leads nowhere; the answer comes all the same."""
    monkeypatch.setattr(watch, "SLOW_S", 0)
    backend = HeldBackend()
    caller = Caller()
    asked = 0

    async def receive() -> Any:
        nonlocal asked
        asked += 1
        if asked == 5:
            backend.gate.set()
        return body_message(IMAGE)

    await build_door(backend)(build_scope("/encode", OCTETS), receive, caller.send)

    assert 200 == caller.status


async def test_request_ids_come_back_or_are_made() -> None:
    """An id that a log could not bear is replaced."""
    app = build_door(FakeBackend())
    ids = []
    for sent in (b"a-1_B.c", b"x" * 128, b"x" * 129, b"two words", b"", b"a\tb", b"\xff"):
        caller = Caller(body_message(IMAGE))
        await start(app, caller, build_scope("/encode", OCTETS, (b"x-request-id", sent)))
        ids.append((sent, caller.headers[b"x-request-id"]))

    assert all(sent == came for sent, came in ids[:2])
    assert all(sent != came for sent, came in ids[2:])
    assert 5 == len({came for _, came in ids[2:]})
