"""A process that calls the service: as many callers as fit into one event loop."""

import asyncio
import gc
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
import uvloop

from bench.load.catalogue import Catalogue, build_catalogue
from bench.load.digits import Digits
from bench.load.sender import Sender
from bench.load.verdict import Verdict
from bench.soak.arrivals import Arrival, Intent, Mix, plan_arrivals
from bench.soak.tally import Tally

# Requests that one process has under way at most: a service that hangs must not take the load down with it.
_MOST_UNDER_WAY = 5000
_REPORT_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True)
class CallerPlan:
    """What a process needs to know before it can call.

    Attributes:
        url: Where the service listens for HTTP.
        grpc: Where for gRPC, host:port.
        default_timeout_s: What the service gives a request that names no time.
        digits: What is asked about, and the right answers.
        sizes: Rows that requests may have.
        seed: The process's own.
    """

    url: str
    grpc: str
    default_timeout_s: float
    digits: Digits
    sizes: Sequence[int]
    seed: int


@dataclass(frozen=True, slots=True)
class ClosedPhase:
    """So many callers, each of whom asks again as soon as it is answered.

    Attributes:
        seconds: How long.
        callers: How many, in each process.
    """

    seconds: float
    callers: int


@dataclass(frozen=True, slots=True)
class OpenPhase:
    """Requests at a rate, whatever becomes of those before.

    Attributes:
        seconds: How long.
        rate: Requests per second of each process.
        mix: What some of them are up to.
    """

    seconds: float
    rate: float
    mix: Mix


Phase = ClosedPhase | OpenPhase


def run_caller(plan: CallerPlan, pipe: Connection) -> None:
    """Run the phases that come through the pipe until None comes; tell tallies, and None after each phase."""
    catalogue = build_catalogue(plan.digits, plan.seed, plan.sizes)
    pipe.send(None)
    while (phase := pipe.recv()) is not None:
        uvloop.run(_run_phase(plan, catalogue, phase, pipe))
        gc.collect()  # failed calls hold their channel in a circle, and a channel its connection
        pipe.send(None)


async def _run_phase(plan: CallerPlan, catalogue: Catalogue, phase: Phase, pipe: Connection) -> None:
    sender = Sender(plan.url, plan.grpc, plan.default_timeout_s)
    caller = _Caller(catalogue, sender, plan.seed)
    reporting = asyncio.create_task(_report(caller, pipe))
    try:
        await (caller.ask_on(phase) if isinstance(phase, ClosedPhase) else caller.offer(phase))
    finally:
        reporting.cancel()
        await sender.close()
    pipe.send(caller.take_tally())


async def _report(caller: "_Caller", pipe: Connection) -> None:
    while True:
        await asyncio.sleep(_REPORT_INTERVAL_S)
        pipe.send(caller.take_tally())


class _Caller:
    """Runs phases on one event loop."""

    def __init__(self, catalogue: Catalogue, sender: Sender, seed: int) -> None:
        self._catalogue = catalogue
        self._sender = sender
        self._seed = seed
        self._tally = Tally()
        self._under_way = 0

    def take_tally(self) -> Tally:
        """What was seen since the last time."""
        tally, self._tally = self._tally, Tally()
        return tally

    async def ask_on(self, phase: ClosedPhase) -> None:
        """Ask good questions, one after the other for each caller."""
        end_s = asyncio.get_running_loop().time() + phase.seconds
        await asyncio.gather(*(self._ask_until(end_s, number) for number in range(phase.callers)))

    async def offer(self, phase: OpenPhase) -> None:
        """Send every request when it is due, or as soon after that as this process can."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        async with asyncio.TaskGroup() as group:
            for arrival in plan_arrivals(self._catalogue, phase.rate, phase.seconds, phase.mix, self._seed):
                # Also when it is late: the answers need their turns too.
                await asyncio.sleep(max(0.0, began_s + arrival.at_s - loop.time()))
                self._tally.offered += 1
                if self._under_way >= _MOST_UNDER_WAY:
                    self._tally.unsent += 1
                else:
                    group.create_task(self._meet(arrival, began_s + arrival.at_s))

    async def _ask_until(self, end_s: float, number: int) -> None:
        loop = asyncio.get_running_loop()
        rng = np.random.default_rng((self._seed, number))
        while (began_s := loop.time()) < end_s:
            question = self._catalogue.good[rng.choice(len(self._catalogue.good), p=self._catalogue.weights)]
            self._tally.offered += 1
            verdict = await self._sender.ask(question)
            self._tally.note(question.door, question.rows, verdict, loop.time() - began_s)

    async def _meet(self, arrival: Arrival, due_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._tally.lag_s = max(self._tally.lag_s, loop.time() - due_s)
        self._under_way += 1
        verdict = await self._send(arrival)
        self._under_way -= 1
        self._tally.note(arrival.question.door, arrival.question.rows, verdict, loop.time() - due_s)

    async def _send(self, arrival: Arrival) -> Verdict:
        match arrival.intent:
            case Intent.LEAVE:
                return await self._sender.leave(arrival.question, arrival.seconds)
            case Intent.HURRY:
                return await self._sender.ask(arrival.question, arrival.seconds)
            case _:
                return await self._sender.ask(arrival.question)
