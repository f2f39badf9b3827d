"""Sends questions to a service and says how each ended, bounded in time."""

import asyncio

from bench.load.catalogue import Question
from bench.load.http import CutOffError, HttpCaller
from bench.load.rpc import RpcCaller
from bench.load.verdict import Outcome, Verdict
from bench.words.ask import HttpRequest, Reply, RpcRequest, StreamRequest, UnreadableReplyError

# An answer later than its deadline by more than this has hung.
HANG_S = 2.0
_CONNECTIONS = 4


class Sender:
    """Sends questions side by side, over HTTP and gRPC."""

    def __init__(self, url: str, address: str, default_timeout_s: float) -> None:
        """Prepare to send; on the loop that will.

        Args:
            url: Where the service listens for HTTP.
            address: Where for gRPC, host:port.
            default_timeout_s: What the service gives a request that names no time.
        """
        host, _, port = url.removeprefix("http://").rpartition(":")
        self._http = HttpCaller(host, int(port))
        self._rpc = RpcCaller(address, _CONNECTIONS)
        self._default_timeout_s = default_timeout_s

    async def ask(self, question: Question, timeout_s: float | None = None) -> Verdict:
        """Send one question and judge the reply.

        Args:
            question: What is sent.
            timeout_s: The time that the request is told to have; None leaves it to the service.
        """
        limit_s = (self._default_timeout_s if timeout_s is None else timeout_s) + HANG_S
        try:
            async with asyncio.timeout(limit_s) as limit:
                reply = await self._send(question, timeout_s)
            if not limit.expired():  # gRPC may make a reply of the cancellation
                return question.judge.judge(reply)
            return _blame(question, Outcome.HUNG, f"no answer within {limit_s:.3g} s")
        except TimeoutError:
            return _blame(question, Outcome.HUNG, f"no answer within {limit_s:.3g} s")
        except (CutOffError, OSError) as error:
            return _blame(question, Outcome.LOST, str(error))
        except (UnreadableReplyError, ValueError, KeyError) as error:
            return _blame(question, Outcome.WRONG, f"the answer cannot be read: {type(error).__name__}: {error}")

    async def leave(self, question: Question, after_s: float) -> Verdict:
        """Send one question and go away so many seconds later, unless the answer is there by then."""
        asking = asyncio.create_task(self.ask(question))
        await asyncio.wait({asking}, timeout=after_s)
        if asking.done():
            return asking.result()
        asking.cancel()
        await asyncio.wait({asking})
        return Verdict(Outcome.LEFT)

    async def close(self) -> None:
        """End every connection."""
        self._http.close()
        await self._rpc.close()

    async def _send(self, question: Question, timeout_s: float | None) -> Reply:
        match question.request:
            case HttpRequest() as request:
                return await self._http.ask(question.wire if timeout_s is None else request.render(timeout_s))
            case RpcRequest() | StreamRequest() as request:
                return await self._rpc.ask(request, timeout_s)


def _blame(question: Question, outcome: Outcome, text: str) -> Verdict:
    return Verdict(outcome, text=f"{question.door} {question.name}: {text}")
