"""Sends cases to a running service, and waits no longer for an answer than a deadline lasts."""

import re
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import grpc

from bench.fuzz.cases import Case, HttpCase, RawCase, RpcCase
from bench.fuzz.judge import judge_http, judge_rpc
from bench.fuzz.replies import FindingError, HttpReply, RpcReply
from bench.running import RunningService

# A connection whose request is not whole waits for the rest; after this silence we say that there is none.
_SILENCE_S = 0.03
_CHUNK_BYTES = 2**16
_STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_UNDOCUMENTED = frozenset({b"500", b"501", b"502"})
_NEVER_CLOSED = "the connection was not closed {:.0f} s after its last byte"

Address = tuple[str, int]


class Sender:
    """Sends any case and judges what comes back."""

    def __init__(self, service: RunningService, limit_s: float) -> None:
        """Prepare to send; `close` in the end.

        Args:
            service: Where to.
            limit_s: Longest wait for an answer.
        """
        url, grpc_address = urlsplit(service.url), urlsplit(f"//{service.grpc}")
        self._ports: dict[str, Address] = {
            "http": (str(url.hostname), int(url.port or 80)),
            "grpc": (str(grpc_address.hostname), int(grpc_address.port or 0)),
        }
        self._limit_s = limit_s
        self._http = _HttpConnection(self._ports["http"], limit_s)
        self._channel = grpc.insecure_channel(service.grpc)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()
        self._channel.close()

    def send(self, case: Case) -> str:
        """Send a case; returns how it was answered, in a word.

        Raises:
            FindingError: If it was not answered, or not as documented.
        """
        if isinstance(case, RawCase):
            return send_raw(case.data, self._ports[case.port], self._limit_s)
        if isinstance(case, RpcCase):
            called = self.call(case)
            judge_rpc(case, called)
            return called.code
        answered = self.request(case)
        judge_http(case, answered)
        return str(answered.status)

    def request(self, case: HttpCase) -> HttpReply:
        """The answer to a request over HTTP.

        Raises:
            FindingError: If there is none.
        """
        return self._http.exchange(case)

    def call(self, case: RpcCase) -> RpcReply:
        """How a call ends.

        Raises:
            FindingError: If it does not.
        """
        messages: list[bytes] = []
        call = self._start(case)
        with suppress(grpc.RpcError):  # its status is looked at below
            messages.extend(call if case.is_stream else [call.result()])
        trailing = dict(call.trailing_metadata() or ())
        code, detail = call.code().name, call.details() or ""
        if code == "DEADLINE_EXCEEDED" and not trailing:
            raise FindingError(f"a call did not end in {self._limit_s:.0f} s")
        return RpcReply(code, detail, trailing, tuple(messages))

    def _start(self, case: RpcCase) -> Any:
        if case.is_stream:
            stream: Callable[..., Any] = self._channel.stream_stream(case.path)
            return stream(iter(case.messages), timeout=self._limit_s)
        unary: Any = self._channel.unary_unary(case.path)
        return unary.future(case.messages[0], timeout=self._limit_s)


class _HttpConnection:
    """A connection that is kept as long as the server keeps it."""

    def __init__(self, address: Address, limit_s: float) -> None:
        self._address = address
        self._limit_s = limit_s
        self._socket: socket.socket | None = None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def exchange(self, case: HttpCase) -> HttpReply:
        if self._socket is not None and self._is_closed(self._socket):
            self.close()
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, self._limit_s)
            return self._exchange(self._socket, case)
        except TimeoutError as error:
            self.close()
            raise FindingError(f"no whole answer in {self._limit_s:.0f} s") from error
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            raise FindingError(f"no answer: {error!r}") from error

    def _exchange(self, connection: socket.socket, case: HttpCase) -> HttpReply:
        connection.sendall(case.to_wire())
        response = HTTPResponse(connection, method=case.method.decode())
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        reply = HttpReply(response.status, headers, response.read())
        if response.will_close:
            self.close()
        response.close()
        return reply

    @staticmethod
    def _is_closed(connection: socket.socket) -> bool:
        """True if the server has closed it, or says something that nobody asked for."""
        return bool(select.select([connection], [], [], 0)[0])


def send_raw(data: bytes, address: Address, limit_s: float) -> str:
    """Send the bytes, wait while the service speaks, and see that it closes after our end of the connection."""
    with _connect(address, limit_s) as connection:
        came = b"".join(_talk(connection, data, limit_s))
    if _speaks_http1(came):
        statuses = _STATUS_LINE.findall(came)
        if undocumented := _UNDOCUMENTED.intersection(statuses):
            raise FindingError(f"{sorted(undocumented)} came: {came[:300]!r}")
        return str(statuses[0], "ascii")
    return "frames" if came else "closed"


def _speaks_http1(came: bytes) -> bool:
    """True if an answer begins as those of HTTP/1.1 do."""
    return _STATUS_LINE.match(came) is not None


def _connect(address: Address, limit_s: float) -> socket.socket:
    try:
        return socket.create_connection(address, limit_s)
    except OSError as error:
        raise FindingError(f"nobody listens any more: {error!r}") from error


def _talk(connection: socket.socket, data: bytes, limit_s: float) -> Iterator[bytes]:
    """What the service says, until it closes."""
    try:
        connection.sendall(data)
        while select.select([connection], [], [], _SILENCE_S)[0]:
            if not (chunk := connection.recv(_CHUNK_BYTES)):
                return
            yield chunk
        connection.shutdown(socket.SHUT_WR)
        while chunk := connection.recv(_CHUNK_BYTES):
            yield chunk
    except ConnectionError:
        return  # refused in the middle of our words
    except TimeoutError as error:
        raise FindingError(_NEVER_CLOSED.format(limit_s)) from error
