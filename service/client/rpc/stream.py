"""Streams of reconstruct requests, from a thread or an event loop."""

import asyncio
import queue
import secrets
import threading
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio

from service.client.answers import Reconstructions
from service.client.asks import Ask
from service.client.errors import ClientError, DeadlineExceededError
from service.client.rpc.channel import Methods, explain
from service.client.rpc.replies import read_stream_response
from service.client.rpc.requests import build_stream_request


class RpcStream:
    """A stream of reconstruct requests; not for two threads at the same time."""

    def __init__(self, methods: Methods) -> None:
        # gRPC takes requests from it in a thread of its own; None ends them.
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._request_id = secrets.token_hex(8)
        self._call = methods.begin_stream(iter(self._requests.get, None), self._request_id)

    def put(self, ask: Ask) -> None:
        """Send a request, without waiting."""
        self._requests.put(build_stream_request(ask))

    def take(self, ask: Ask, timeout_s: float) -> Reconstructions | ClientError:
        """Wait for the next answer, or for why there is none.

        Raises:
            ClientError: What the stream ended with.
        """
        is_late = threading.Event()
        alarm = threading.Timer(timeout_s, self._give_up, [is_late])
        alarm.start()
        try:
            response = next(self._call, None)
        except grpc.RpcError as error:
            if is_late.is_set():
                raise _tell_late(timeout_s, self._request_id) from error
            raise explain(error, self._request_id) from error
        finally:
            alarm.cancel()
        return read_stream_response(ask, response, self._request_id)

    def close(self) -> None:
        """End it, whatever is under way."""
        self._requests.put(None)
        self._call.cancel()

    def _give_up(self, is_late: threading.Event) -> None:
        is_late.set()
        self._call.cancel()


class AsyncRpcStream:
    """The same on an event loop."""

    def __init__(self, methods: Methods) -> None:
        self._requests: asyncio.Queue[Any] = asyncio.Queue()
        self._request_id = secrets.token_hex(8)
        self._call = methods.begin_stream(self._list_requests(), self._request_id)

    def put(self, ask: Ask) -> None:
        """Send a request, without waiting."""
        self._requests.put_nowait(build_stream_request(ask))

    async def take(self, ask: Ask, timeout_s: float) -> Reconstructions | ClientError:
        """Wait for the next answer, or for why there is none.

        Raises:
            ClientError: What the stream ended with.
        """
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._call.read()
        except TimeoutError as error:
            raise _tell_late(timeout_s, self._request_id) from error
        except grpc.RpcError as error:
            raise explain(error, self._request_id) from error
        return read_stream_response(ask, None if response is grpc.aio.EOF else response, self._request_id)

    def close(self) -> None:
        """End it, whatever is under way."""
        self._call.cancel()

    async def _list_requests(self) -> AsyncIterator[Any]:
        while True:
            yield await self._requests.get()


def _tell_late(timeout_s: float, request_id: str) -> DeadlineExceededError:
    return DeadlineExceededError(f"no answer came within {timeout_s:.3g} s", request_id=request_id)
