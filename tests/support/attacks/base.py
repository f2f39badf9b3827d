"""What an attack is, whom it is tried on, and its answer in the words of docs/security.md."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import grpc
import httpx
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from support.fakes import count_images
from support.raw_http import PATIENCE_S, HeardAnswer, RawClient, connect
from support.server_pki import ServerPki

from bench.running import RunningService
from service.api.grpc.status import DETAILS_KEY

IMAGE = count_images(1).tobytes()
OCTETS = {"content-type": "application/octet-stream"}
CLOSED = "closed without an answer"
NO_HANDSHAKE = "no handshake"

_LOOK_INTERVAL_S = 0.02
# What no answer may say: which software answered, and where in it something went wrong.
_BANNERS = frozenset({"server", "via", "x-powered-by"})
_TRACES = ("Traceback", 'File "', ".py")


@dataclass(frozen=True, slots=True)
class Target:
    """A running service.

    Attributes:
        running: Its process.
        keys: Secrets by the name of their key; none for a service that asks for none.
        keys_file: The file that it reads them from.
        model_server: What computes its answers.
        pki: Its authority, where it speaks TLS and asks for certificates.
    """

    running: RunningService
    model_server: RunningService
    keys: Mapping[str, str]
    keys_file: Path
    pki: ServerPki | None = None

    @property
    def port(self) -> int:
        """Its HTTP port."""
        return int(self.running.url.rpartition(":")[2])

    def find_headers(self, name: str = "caller") -> dict[str, str]:
        """What the owner of a key sends with each request."""
        return {"authorization": f"Bearer {self.keys[name]}"} if self.keys else {}

    def client(self, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """An HTTP client that shows no key, and comes from this address of the machine."""
        trust = self.pki.trust(shows_certificate=True) if self.pki else False
        transport = httpx.AsyncHTTPTransport(verify=trust, local_address=address)
        return httpx.AsyncClient(base_url=self.running.url, transport=transport, timeout=PATIENCE_S)

    def channel(self) -> grpc.aio.Channel:
        """A gRPC channel."""
        # No pool, no retries: each attack has a connection of its own, and sees the first answer.
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        if self.pki is None:
            return grpc.aio.insecure_channel(self.running.grpc, options)
        return grpc.aio.secure_channel(self.running.grpc, self.pki.rpc_trust(shows_certificate=True), options)

    def connect(self, **options: Any) -> AbstractAsyncContextManager[RawClient]:
        """A plain connection to the HTTP port, for what no HTTP client would send."""
        return connect(self.port, **options)

    def read_log(self) -> str:
        """All that the process has written so far."""
        return self.running.read_proc("fd/1")

    async def score(self, key: str = "caller", rows: int = 1, word: str = "") -> str:
        """Ask for the scores of some images with a key; the answer as `tell` has it, which must hold a word."""
        async with self.client() as client:
            headers = {**OCTETS, **self.find_headers(key)}
            answer = await client.post("/score", content=IMAGE * rows, headers=headers)
        assert word in answer.text
        return tell(answer)


Send = Callable[[Target], Awaitable[str]]
"""Sends the requests of an attack; returns the answer as docs/security.md has it."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One row of docs/security.md that is tried on a running service.

    Attributes:
        name: The row.
        answer: What must come back.
        send: Tries it.
        on: Which service: one that asks for keys, one that does not, one that asks for certificates.
    """

    name: str
    answer: str
    send: Send
    on: Literal["keys", "open", "mtls"] = "keys"


@dataclass(frozen=True, slots=True)
class Held:
    """One row that other tests hold.

    Attributes:
        name: The row.
        answer: What it says.
        tests: Those tests, each as path::name.
    """

    name: str
    answer: str
    tests: tuple[str, ...]


def tell(answer: httpx.Response | HeardAnswer) -> str:
    """Status, reason, and whether it says when to come back; fails if it says more than an answer should."""
    status, body = _read(answer)
    assert set() == _BANNERS & set(answer.headers)
    assert not any(trace in body.decode("utf-8", "replace") for trace in _TRACES)
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    reason = f" `{json.loads(body)['reason']}`" if is_problem else ""
    return f"{status}{reason}{', Retry-After' if 'retry-after' in answer.headers else ''}"


def tell_failure(error: grpc.aio.AioRpcError) -> str:
    """The same for a call; where gRPC itself refused it, there is no reason."""
    name = f"`{error.code().name}`"
    details = dict(error.trailing_metadata() or ()).get(DETAILS_KEY)
    if details is None:
        return name
    info = ErrorInfo()
    Status.FromString(details).details[0].Unpack(info)
    assert not any(trace in (error.details() or "") for trace in _TRACES)
    return f"{name} `{info.reason}`"


def tell_all(answers: Iterable[str]) -> str:
    """Answers to several requests, each different one once."""
    return "; ".join(dict.fromkeys(answers))


async def tell_call(call: Awaitable[object]) -> str:
    """How a call ended."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return tell_failure(error)
    return "`OK`"


async def tell_raw(client: RawClient) -> str:
    """The next answer on a plain connection, if any comes."""
    try:
        return tell(await client.read_answer())
    except (asyncio.IncompleteReadError, ConnectionError):
        return CLOSED


async def wait_until(look: Callable[[], Awaitable[bool]]) -> None:
    """Look again and again until it is so; fails if it takes too long."""
    end_s = time.monotonic() + PATIENCE_S
    while not await look():
        assert time.monotonic() < end_s
        await asyncio.sleep(_LOOK_INTERVAL_S)


def ask(path: str, *, method: str = "POST", keyed: bool = True, **options: Any) -> Send:
    """A request with a key, or without; options as of httpx."""

    async def send(target: Target) -> str:
        headers = {**(target.find_headers() if keyed else {}), **options.get("headers", {})}
        async with target.client() as client:
            return tell(await client.request(method, path, **{**options, "headers": headers}))

    return send


def ask_each(sends: Iterable[Send]) -> Send:
    """Several requests, one after the other."""

    async def send(target: Target) -> str:
        return tell_all([await each(target) for each in sends])

    return send


def say(*pieces: bytes) -> Send:
    """Bytes on a plain connection, each piece on one of its own."""

    async def send_one(target: Target, piece: bytes) -> str:
        async with target.connect() as client:
            client.send(piece.replace(b"KEY", target.keys.get("caller", "").encode()))
            return await tell_raw(client)

    async def send(target: Target) -> str:
        return tell_all([await send_one(target, piece) for piece in pieces])

    return send


def _read(answer: httpx.Response | HeardAnswer) -> tuple[int, bytes]:
    if isinstance(answer, HeardAnswer):
        return answer.status, answer.body
    return answer.status_code, answer.content
