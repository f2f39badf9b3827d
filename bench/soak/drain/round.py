"""One round: start a service, load it, send SIGTERM, and see what becomes of everything that was sent."""

import asyncio
import itertools
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.load.catalogue import Catalogue, Question
from bench.running import RunningService
from bench.soak.drain.callers import call_http, call_rpc, call_streams
from bench.soak.drain.ledger import End, Ledger
from bench.words.ask import HttpRequest, RpcRequest, StreamRequest

# Callers who ask at once, who think so long first, who call over gRPC, and who keep a stream busy.
_EAGER, _RPC, _STREAMS = 16, 8, 2
_THINKING_S = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7)
# After the process is gone every caller finds out within the time of a try or two.
_AFTERMATH_S = 50.0
# Python and TensorFlow take their time to go once the last request is answered.
_SPARE_S = 5.0


@dataclass(frozen=True, slots=True)
class DrainPlan:
    """How a service is stopped.

    Attributes:
        rounds: How often.
        delay_s: DIGITCODEC_LIMITS__DRAIN_DELAY_S.
        grace_s: DIGITCODEC_LIMITS__SHUTDOWN_GRACE_S.
        load_s: Seconds under load before the signal.
        settings: Other settings.
    """

    rounds: int
    delay_s: float = 1.0
    grace_s: float = 20.0
    load_s: float = 2.0
    settings: dict[str, str] = field(default_factory=dict)

    def list_settings(self) -> dict[str, str]:
        """All settings of the service."""
        return {
            "DIGITCODEC_LIMITS__DRAIN_DELAY_S": str(self.delay_s),
            "DIGITCODEC_LIMITS__SHUTDOWN_GRACE_S": str(self.grace_s),
            **self.settings,
        }


@dataclass(frozen=True, slots=True)
class Round:
    """What one round has shown.

    Attributes:
        ledger: The callers' accounts.
        status: The exit status; None if the process did not end in time and was killed.
        seconds: From the signal to the end of the process.
    """

    ledger: Ledger
    status: int | None
    seconds: float

    def find_faults(self, plan: DrainPlan) -> list[str]:
        """What is wrong, in words; empty if nothing is."""
        ledger, latest_s = self.ledger, plan.delay_s + plan.grace_s + _SPARE_S
        counts = {str(end): ledger.count(end) for end in (End.LOST, End.WRONG, *((End.RACED,) if plan.delay_s else ()))}
        counts["unaccounted for"] = ledger.count_unaccounted()
        faults = [f"{number} requests {name}" for name, number in counts.items() if number]
        if self.status != 0:
            faults.append(f"exit status {self.status}")
        if self.seconds > latest_s:
            faults.append(f"{self.seconds:.1f} s to stop, the limit is {latest_s:.1f}")
        if not ledger.count(End.RIGHT):
            faults.append("no right answer at all: nothing was tried")
        return faults


async def run_round(service: RunningService, catalogue: Catalogue, plan: DrainPlan) -> Round:
    """Load a running service, and stop it under the load."""
    ledger = Ledger()
    callers = [asyncio.create_task(call) for call in _list_calls(service, catalogue, ledger)]
    await asyncio.sleep(plan.load_s)
    service.process.terminate()
    signalled_s = time.monotonic()
    status = await _wait_for_end(service, plan.delay_s + plan.grace_s + 2 * _SPARE_S)
    seconds = time.monotonic() - signalled_s
    _, late = await asyncio.wait(callers, timeout=_AFTERMATH_S)
    for caller in late:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=bool(late))
    return Round(ledger, status, seconds)


def _list_calls(service: RunningService, catalogue: Catalogue, ledger: Ledger) -> list:  # type: ignore[type-arg]
    host, _, port = service.url.removeprefix("http://").rpartition(":")
    http, rpc, streams = (
        [question for question in catalogue.good if isinstance(question.request, kind)]
        for kind in (HttpRequest, RpcRequest, StreamRequest)
    )
    thinking_s = (*itertools.repeat(0.0, _EAGER), *_THINKING_S)
    return [
        *(
            call_http((host, int(port)), _rotate(http, number), think_s, ledger)
            for number, think_s in enumerate(thinking_s)
        ),
        *(call_rpc(service.grpc, _rotate(rpc, number), ledger) for number in range(_RPC)),
        *(call_streams(service.grpc, _rotate(streams, number), ledger) for number in range(_STREAMS)),
    ]


def _rotate(questions: Sequence[Question], number: int) -> Sequence[Question]:
    """The same questions from another one on, so that callers do not march in step."""
    start = number * 7 % len(questions)
    return [*questions[start:], *questions[:start]]


async def _wait_for_end(service: RunningService, limit_s: float) -> int | None:
    try:
        return await asyncio.to_thread(service.process.wait, limit_s)
    except subprocess.TimeoutExpired:
        return None
