"""Callers who lie about themselves, or take more than their part."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from support.attacks.base import IMAGE, OCTETS, Attack, Target, say, tell, tell_all, tell_raw, wait_until
from support.raw_http import head

_OVERLOADED = "429 `overloaded`, Retry-After"
_LIMITED = "429 `rate_limited`, Retry-After"
_KEY = "authorization: Bearer KEY"

_WORDS = ("<script>alert(1)</script>", "a%0d%0aset-cookie:%20a=b", "a" * 1500, "one\ttwo", "../../etc/passwd")
_STRANGER = "127.0.0.2"
# With the limits of the services that are attacked.
_HELD_BYTES = 900 * 2**10
_BATCH_ROWS = 8
_FREE_ROWS = 2


async def _name_requests(target: Target) -> str:
    """Words in the headers that are answered or passed on; none may come back, nor stand in the log."""
    answers = []
    async with target.client() as client:
        for word in _WORDS:
            headers = {**OCTETS, **target.find_headers(), "x-request-id": word, "traceparent": word}
            answer = await client.post("/score", content=IMAGE, headers=headers)
            answers.append(tell(answer))
            assert word not in str(answer.headers) + answer.text + target.read_log()
    return f"{tell_all(answers)}, not echoed"


async def _call_from_elsewhere(target: Target) -> str:
    """A page of another origin: a request, and the question before one."""
    origin = {"origin": "https://evil.example"}
    wish = {**origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    async with target.client() as client:
        answer = await client.post("/score", content=IMAGE, headers={**OCTETS, **origin, **target.find_headers()})
        asked = await client.options("/score", headers=wish)
    assert not [name for each in (answer, asked) for name in each.headers if name.startswith("access-control")]
    return f"{tell(answer)} and {tell(asked)}, no CORS header"


async def _claim_addresses(target: Target) -> str:
    """A stranger above the rate, who says with each request that it comes from somebody else."""
    async with target.client(_STRANGER) as client:
        first = await client.post("/score", content=IMAGE * 64, headers=OCTETS)
        claims = (
            {name: f"203.0.113.{number}"}
            for name in ("x-forwarded-for", "forwarded", "x-real-ip")
            for number in range(2)
        )
        answers = [await client.post("/score", content=IMAGE, headers={**OCTETS, **claim}) for claim in claims]
    assert "200" == tell(first)
    return tell_all(map(tell, answers))


async def _exceed_rate(target: Target) -> str:
    first = await target.score("metered", rows=4)
    assert "200" == first
    return await target.score("metered", rows=4)


async def _read_pages(target: Target) -> str:
    async with target.client() as client:
        answer = await client.get("/docs")
    names = ("content-security-policy", "x-content-type-options", "referrer-policy")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert ["nosniff", "no-referrer"] == [answer.headers[name] for name in names[1:]]
    return f"{tell(answer)} with " + ", ".join(f"`{name}`" for name in names)


async def _hold_bytes(target: Target) -> str:
    """A body that stops shortly before its end, and another one beside it."""
    key, length = f"x-api-key: {target.keys['caller']}", f"content-length: {_HELD_BYTES + 1}"
    start = head(key, "content-type: application/octet-stream", length, method="POST", path="/score")
    async with target.connect() as first, target.connect() as second:
        first.send(start + bytes(_HELD_BYTES))
        await _wait_for(target, "digitcodec_inflight_bytes", _HELD_BYTES)
        second.send(start)
        return await tell_raw(second)


@asynccontextmanager
async def _busy(target: Target) -> AsyncIterator[None]:
    """A service whose model stands still, with a batch in work and as many rows of one caller waiting as may."""
    process = target.model_server.process.pid
    os.kill(process, signal.SIGSTOP)
    waiting: list[asyncio.Task[str]] = []
    try:
        waiting.append(asyncio.create_task(target.score(rows=_BATCH_ROWS)))
        await _wait_for(target, "digitcodec_running_batches", 1)
        waiting += [asyncio.create_task(target.score(rows=_BATCH_ROWS)) for _ in range(2)]
        await _wait_for(target, "digitcodec_queue_rows", 2 * _BATCH_ROWS)
        yield
    finally:
        os.kill(process, signal.SIGCONT)
        await asyncio.gather(*waiting)


async def _take_more_than_a_share(target: Target) -> str:
    async with _busy(target):
        return await target.score(rows=_FREE_ROWS, word="share")


async def _overfill_queue(target: Target) -> str:
    async with _busy(target):
        waiting = asyncio.create_task(target.score("second", rows=_FREE_ROWS))
        await _wait_for(target, "digitcodec_queue_rows", 2 * _BATCH_ROWS + _FREE_ROWS)
        refusal = await target.score("third")
    assert "200" == await waiting
    return refusal


async def _wait_for(target: Target, metric: str, least: float) -> None:
    """Return once the sum of a metric over its labels is so high."""

    async def is_reached() -> bool:
        async with target.client() as client:
            text = (await client.get("/metrics", headers=target.find_headers())).text
        lines = [line for line in text.splitlines() if line.partition(" ")[0].partition("{")[0] == metric]
        return sum(float(line.rpartition(" ")[2]) for line in lines) >= least

    await wait_until(is_reached)


ATTACKS = (
    Attack(
        "request id or `traceparent` that holds markup, CR LF or 1,500 characters", "200, not echoed", _name_requests
    ),
    Attack("line breaks in a header", "400 `malformed_request`", say(head(_KEY, "x-request-id: a\rset-cookie: b=c"))),
    Attack("call from a page of another origin", "200 and 401 `unauthenticated`, no CORS header", _call_from_elsewhere),
    Attack("claims to come from another address", _LIMITED, _claim_addresses, on="open"),
    Attack("more rows than a key's rate", _LIMITED, _exceed_rate),
    Attack("more bytes than all requests may hold", _OVERLOADED, _hold_bytes),
    Attack("more than a caller's share of the queue", _OVERLOADED, _take_more_than_a_share),
    Attack("queue that is full", _OVERLOADED, _overfill_queue),
    Attack(
        "page in a frame, or with a script",
        "200 with `content-security-policy`, `x-content-type-options`, `referrer-policy`",
        _read_pages,
    ),
)
