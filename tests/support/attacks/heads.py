"""Broken, endless and slow HTTP, on plain connections."""

import asyncio
from contextlib import AsyncExitStack

from support.attacks.base import IMAGE, Attack, Send, Target, say, tell_raw, wait_until
from support.raw_http import RawClient, head

_KEY = "authorization: Bearer KEY"
_TYPE = "content-type: application/octet-stream"
_CHUNKED = "transfer-encoding: chunked"
_IN_TIME = "x-request-timeout: 0.4"
_MALFORMED = "400 `malformed_request`"
_HEAD_TOO_LARGE = "431 `too_large`"
_HEAD_LATE = "408 `deadline_exceeded`, Retry-After"
_BODY_LATE = "504 `deadline_exceeded`"
_DRIP_INTERVAL_S = 0.05

_MAX_CONNECTIONS = 20


def _post(*lines: str, path: str = "/score", key: str = _KEY) -> bytes:
    """The head of a request with images; KEY stands for a good key."""
    return head(key, _TYPE, *lines, method="POST", path=path)


def _drip(start: bytes, drop: bytes) -> Send:
    """The start of a request, and one drop of the rest after the other until an answer comes."""

    async def send(target: Target) -> str:
        async with target.connect() as client:
            client.send(start.replace(b"KEY", target.keys["caller"].encode()))
            dripping = asyncio.create_task(_drip_for_ever(client, drop))
            try:
                return await tell_raw(client)
            finally:
                dripping.cancel()

    return send


async def _drip_for_ever(client: RawClient, drop: bytes) -> None:
    while True:
        await asyncio.sleep(_DRIP_INTERVAL_S)
        client.send(drop)


async def _open_too_many(target: Target) -> str:
    """One connection more than may be open, none of which says anything."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(target.connect()) for _ in range(_MAX_CONNECTIONS + 1)]
        answer = await tell_raw(opened[-1])

    async def is_free() -> bool:
        return await target.score() == "200"

    await wait_until(is_free)
    return answer


async def _read_nothing(target: Target) -> str:
    """Requests whose answers are much larger than they, and none of which is taken."""
    async with target.connect(limit=1024) as client:
        try:
            while True:
                client.send(head(path="/docs") * 100)
                await client.writer.drain()
        except ConnectionError:
            return "cut"


async def _ask_at_once(target: Target) -> str:
    """More requests than a connection may have without an answer, in one piece."""
    async with target.connect() as client:
        client.send(head(path="/livez") * 200)
        while (answer := await tell_raw(client)) == "200":
            pass
    return f"200 for those before, then {answer}"


_FRAMES_THAT_DIFFER = (
    _post("content-length: 784", _CHUNKED) + b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    _post(_CHUNKED, "content-length: 784") + b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    _post("content-length: 784", "content-length: 0") + IMAGE,
    _post("content-length: 784, 784") + IMAGE,
    _post("content-length: -1") + IMAGE,
    _post("content-length: +784") + IMAGE,
    _post("content-length: 0x310") + IMAGE,
    _post("content-length : 784") + IMAGE,
    _post("transfer-encoding: chunked, identity") + b"0\r\n\r\n",
    _post("transfer-encoding: xchunked") + b"0\r\n\r\n",
    _post(_CHUNKED) + b"fffffffffffffffff\r\n",
    _post(_CHUNKED) + b"-1\r\n",
    _post(_CHUNKED) + b"0x10\r\n" + bytes(16),
)
_NO_HTTP = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"BREW / HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: a\r\nx: a\x00b\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: a\r\n folded: a\r\n\r\n",
    b"GET / \x00 HTTP/1.1\r\nhost: a\r\n\r\n",
)
_PATHS = (
    "/models/../..%2fetc/passwd",
    "/models/..%2f..%2f..%2fetc%2fpasswd",
    "/../../etc/passwd",
    "//etc/passwd",
    "/models//digits",
    "/models/digits%00",
    "/models/%2e%2e/%2e%2e/etc/passwd",
    "/models/digits;a",
    "/models/%ff%fe",
)

ATTACKS = (
    Attack("head that does not come", _HEAD_LATE, say(b"", b"GET / HTTP/1.1\r\n")),
    Attack("head that trickles", _HEAD_LATE, _drip(b"GET / HTTP/1.1\r\n", b"a: b\r\n")),
    Attack(
        "head too large",
        _HEAD_TOO_LARGE,
        say(head("a: " + "a" * 5000), head(*["a: " + "a" * 400] * 12), head(path="/" + "a" * 5000)),
    ),
    Attack("too many header lines", _HEAD_TOO_LARGE, say(head(*["a: b"] * 41))),
    Attack("what is no HTTP", _MALFORMED, say(*_NO_HTTP)),
    Attack("two lengths, or a length and chunks (smuggling)", _MALFORMED, say(*_FRAMES_THAT_DIFFER)),
    Attack("body that does not come", _BODY_LATE, say(_post("content-length: 784", _IN_TIME))),
    Attack("body that trickles", _BODY_LATE, _drip(_post("content-length: 784", _IN_TIME), b"x")),
    Attack("chunks that trickle", _BODY_LATE, _drip(_post(_CHUNKED, _IN_TIME), b"1\r\nx\r\n")),
    Attack("timeout of 10^9 seconds", _BODY_LATE, say(_post("content-length: 784", "x-request-timeout: 1e9"))),
    Attack("body announced too large", "413 `too_large`", say(_post(f"content-length: {2**40}"))),
    Attack("chunks without end", "413 `too_large`", _drip(_post(_CHUNKED), b"40000\r\n" + bytes(2**18) + b"\r\n")),
    Attack("too many connections", "503 `overloaded`, Retry-After", _open_too_many),
    Attack(
        "more than 100 requests at once on one connection",
        "200 for those before, then 429 `overloaded`, Retry-After",
        _ask_at_once,
    ),
    Attack("answers that nobody takes", "cut", _read_nothing),
    Attack("tricks with paths", "404 `not_found`", say(*(head(_KEY, path=path) for path in _PATHS))),
    Attack(
        "wrong method",
        "405 `method_not_allowed`",
        say(*(head(_KEY, method=each, path="/score") for each in ("GET", "PUT", "DELETE", "TRACE"))),
    ),
    Attack(
        "wish for another protocol",
        "405 `method_not_allowed`",
        say(head(_KEY, "connection: upgrade", "upgrade: h2c", path="/score")),
    ),
)
