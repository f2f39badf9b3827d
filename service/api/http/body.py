"""Reads a request's body within its limit, and sees off a caller whose body is not wanted."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from starlette.types import Receive, Scope, Send

from service.api.budget import ByteBudget, Holding
from service.api.http.answers import CLOSE, Header, HttpAnswer, send_answer
from service.api.http.watch import ClientGoneError
from service.asgi import WHOLE_ANSWER, WHOLE_BODY
from service.errors import PayloadTooLargeError
from service.shares import NOBODY

# So much of an unread body the server may swallow to keep the connection; more is not worth it.
_KEPT_BODY_BYTES = 64 * 2**10

# A socket closed while data still comes in is reset, and the reset can overtake the answer. So the rest of a
# body is thrown away for so long, enough for a caller to look up from its writing.
LINGER_S = 2.0

_NO_EXTENSIONS: dict[str, Any] = {}


class RequestBody:
    """The body of one request, as chunks that come from the server.

    Attributes:
        is_finished: True once all of it came, or if there is none.
        caller: Whose share of the budget it takes; to be told before it is read.
    """

    __slots__ = (
        "_announced",
        "_budget",
        "_holding",
        "_is_encoded",
        "_limit_bytes",
        "_receive",
        "_send_whole",
        "_take_whole",
        "caller",
        "is_finished",
    )

    def __init__(
        self, headers: dict[bytes, bytes], scope: Scope, receive: Receive, limit_bytes: int, budget: ByteBudget
    ) -> None:
        """Prepare to read.

        Args:
            headers: Of the request.
            scope: Of the request; the server may offer short ways in it, see `service.asgi`.
            receive: Where the server hands the body over.
            limit_bytes: Most bytes of it.
            budget: What all bodies together may hold; this one's part is given back by `let_go`.
        """
        length = headers.get(b"content-length", b"")
        # Anything but digits the server refused already; then only counting helps.
        self._announced = int(length) if length.isdigit() else None
        extensions = scope.get("extensions") or _NO_EXTENSIONS
        self._take_whole: Callable[[], bytes | None] | None = extensions.get(WHOLE_BODY)
        self._send_whole = extensions.get(WHOLE_ANSWER)
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._budget = budget
        self._holding: Holding | None = None
        self.caller = NOBODY
        self._is_encoded = b"content-encoding" in headers
        self.is_finished = self._announced is None and b"transfer-encoding" not in headers

    @property
    def announced_bytes(self) -> int | None:
        """How long it is said to be; None where nothing is said, or not of what it becomes."""
        return None if self._is_encoded else self._announced

    async def read(self) -> list[bytes]:
        """All chunks of the body, none of them copied.

        Raises:
            PayloadTooLargeError: If more bytes are announced, or come, than the limit; the rest is not read.
            OverloadedError: If all bodies together would hold more than the budget, or its caller's more than their
                share; the rest is not read.
            ClientGoneError: If the caller leaves before the end.
        """
        if self._announced is not None and self._announced > self._limit_bytes:
            raise PayloadTooLargeError(
                f"a body of {self._announced} bytes is announced, the limit is {self._limit_bytes}"
            )
        # What came is counted, not what is announced: a slow caller takes no memory, and so no room.
        holding = self._holding = self._budget.open(self.caller)
        whole = self._take_whole() if self._take_whole else None
        if whole is None:
            holding.check(self._announced or 0)
            return await self._read_chunks(holding)
        self.is_finished = True
        self._check_size(len(whole))
        holding.take(len(whole))
        return [whole]

    async def _read_chunks(self, holding: Holding) -> list[bytes]:
        self.is_finished = False
        chunks: list[bytes] = []
        size = 0
        while not self.is_finished:
            chunk = await self._read_chunk()
            size += len(chunk)
            self._check_size(size)
            holding.take(len(chunk))
            chunks.append(chunk)
        return chunks

    def _check_size(self, size: int) -> None:
        if size > self._limit_bytes:
            raise PayloadTooLargeError(f"{size} bytes of a body came, the limit is {self._limit_bytes}")

    def let_go(self) -> None:
        """Give back what the body held of the budget; nothing of it is needed any more."""
        if self._holding is not None:
            self._holding.let_go()

    async def answer(self, send: Send, answer: HttpAnswer, *headers: Header) -> None:
        """Send an answer; if much of the body is still to come, then end the connection in good order."""
        if self.is_finished or (self._announced is not None and self._announced <= _KEPT_BODY_BYTES):
            if self._send_whole is None:
                await send_answer(send, answer, *headers)
            else:
                await self._send_whole(answer.status, answer.list_headers(headers), answer.body)
            return
        await send(answer.start_message(*headers, CLOSE))
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        with suppress(ClientGoneError, TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while not self.is_finished:
                    await self._read_chunk()
        await send({"type": "http.response.body", "body": b""})

    async def _read_chunk(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        self.is_finished = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk
