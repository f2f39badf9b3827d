"""Workers that come, die and leave, played by processes of a few lines."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from service.servers.workers import Birth, Pace, Supervisor

# The worker's part: `open_doors` is what a real one says when it answers.
HEAD = """
import os, signal, sys
def open_doors(words=b"or"): os.write(int(sys.argv[1]), words)
def leave(*_): os._exit(0)
"""
GOOD = "signal.signal(signal.SIGUSR1, leave); open_doors()\nwhile True: signal.pause()"
LOADS = "signal.signal(signal.SIGUSR1, leave); open_doors(b'o')\nwhile True: signal.pause()"
LOADS_AND_DIES = "open_doors(b'o'); sys.exit(3)"
DIES = "sys.exit(3)"
UNUSABLE = "sys.exit(2)"
OPENS_AND_DIES = "open_doors(); os.kill(os.getpid(), signal.SIGKILL)"
NEVER_OPENS = "signal.pause()"
LEAVES_BADLY = "signal.signal(signal.SIGUSR1, lambda *_: sys.exit(7)); open_doors()\nsignal.pause()"
LEAVES_AT_THE_SECOND_WORD = (
    "signal.signal(signal.SIGUSR1, lambda *_: signal.signal(signal.SIGUSR1, leave)); open_doors()\n"
    "while True: signal.pause()"
)
HANGS = "signal.signal(signal.SIGUSR1, signal.SIG_IGN); open_doors()\nwhile True: signal.pause()"
LIVES_AND_DIES = "import time; time.sleep(0.6); sys.exit(3)"
AT_ONCE = Pace(steady_s=600, pause_s=0, max_early_deaths=3)


class Staff:
    """Starts the processes that a test lists; the last one of a place is started again and again.

    Attributes:
        births: What was started, in order.
        told: What the supervisor told, in order.
        processes: The last process of each place.
    """

    def __init__(self, *places: Sequence[str]) -> None:
        self._places = [list(scripts) for scripts in places]
        self.births: asyncio.Queue[Birth] = asyncio.Queue()
        self.told: list[str] = []
        self.processes: dict[int, Process] = {}
        self.is_open = asyncio.Event()

    async def launch(self, birth: Birth) -> Process:
        """Start the next script of the place."""
        scripts = self._places[birth.number - 1]
        script = scripts.pop(0) if scripts[1:] else scripts[0]
        process = self.processes[birth.number] = await asyncio.create_subprocess_exec(
            *(sys.executable, "-ISc", HEAD + script, str(birth.lifeline)), pass_fds=(birth.lifeline,)
        )
        self.births.put_nowait(birth)
        return process

    def note_open(self) -> None:
        """Keep it."""
        self.told.append("open")
        self.is_open.set()

    def note_end(self, number: int) -> None:
        """Keep it."""
        self.told.append(f"end {number}")

    def note_stop(self) -> None:
        """Keep it."""
        self.told.append("stop")

    async def wait_for_births(self, count: int) -> list[tuple[int, bool, bool]]:
        """(number, is it the first, is it a replacement) of the next so many."""
        births = [await asyncio.wait_for(self.births.get(), 60) for _ in range(count)]
        return [(birth.number, birth.is_first, birth.is_replacement) for birth in births]


async def finish(running: asyncio.Task[int]) -> int:
    """The exit status."""
    return await asyncio.wait_for(running, 60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_lets_all_workers_leave(number: signal.Signals) -> None:
    """The others start after the first one was ready; no one is started after the signal."""
    staff = Staff([GOOD], [GOOD], [GOOD])
    running = asyncio.create_task(Supervisor(staff, 3).run())
    births = await staff.wait_for_births(3)
    os.kill(os.getpid(), number)

    assert 0 == await finish(running)
    assert [(1, True, False), (2, False, False), (3, False, False)] == births
    assert ["open", "stop"] == staff.told[:2]
    assert {"end 1", "end 2", "end 3"} == set(staff.told[2:])
    assert staff.births.empty()


async def test_others_wait_until_the_first_worker_is_ready() -> None:
    """They would slow it down, and there is nothing for them to do."""
    staff = Staff([LOADS_AND_DIES, LOADS], [GOOD])
    supervisor = Supervisor(staff, 2, Pace(steady_s=0))
    running = asyncio.create_task(supervisor.run())
    births = await staff.wait_for_births(2)
    await asyncio.wait_for(staff.is_open.wait(), 60)
    supervisor.stop()

    assert 0 == await finish(running)
    assert [(1, True, False), (1, True, True)] == births
    assert ["open"] == [word for word in staff.told if word == "open"]
    assert staff.births.empty()


async def test_dead_worker_is_replaced_and_the_others_stay() -> None:
    """In the same place, at once if it had lived long."""
    staff = Staff([GOOD], [OPENS_AND_DIES, GOOD])
    supervisor = Supervisor(staff, 2, Pace(steady_s=0, pause_s=600))
    running = asyncio.create_task(supervisor.run())
    births = await staff.wait_for_births(3)
    survivor = staff.processes[1].returncode
    supervisor.stop()

    assert 0 == await finish(running)
    assert [(1, True, False), (2, False, False), (2, False, True)] == births
    assert survivor is None
    assert ["open", "end 2", "stop"] == staff.told[:3]


async def test_worker_that_cannot_start_as_configured_ends_the_service() -> None:
    """With its own exit status; it is not tried again."""
    staff = Staff([UNUSABLE], [GOOD])

    assert 2 == await finish(asyncio.create_task(Supervisor(staff, 2, AT_ONCE).run()))
    assert [(1, True, False)] == await staff.wait_for_births(1)
    assert staff.births.empty()


async def test_replacement_that_cannot_start_is_tried_again() -> None:
    """A file that is broken for a while does not end those who answer, however often it is tried meanwhile."""
    staff = Staff([GOOD], [OPENS_AND_DIES, UNUSABLE, UNUSABLE, UNUSABLE, GOOD])
    supervisor = Supervisor(staff, 2, Pace(steady_s=600, pause_s=0, max_early_deaths=2))
    running = asyncio.create_task(supervisor.run())
    births = await staff.wait_for_births(6)
    supervisor.stop()

    assert 0 == await finish(running)
    assert [(2, False, True)] * 4 == births[2:]


async def test_only_worker_of_a_place_that_has_answered_is_tried_again() -> None:
    """The file was good once, and somebody will repair it."""
    staff = Staff([OPENS_AND_DIES, UNUSABLE, UNUSABLE, UNUSABLE, GOOD])
    supervisor = Supervisor(staff, 1, Pace(steady_s=600, pause_s=0, max_early_deaths=2))
    running = asyncio.create_task(supervisor.run())
    await staff.wait_for_births(5)
    supervisor.stop()

    assert 0 == await finish(running)


async def test_refusals_to_start_forgive_no_deaths() -> None:
    """Only a long life does."""
    staff = Staff([GOOD], [OPENS_AND_DIES, UNUSABLE, DIES, GOOD])
    supervisor = Supervisor(staff, 2, Pace(steady_s=600, pause_s=0, max_early_deaths=2))

    assert 1 == await finish(asyncio.create_task(supervisor.run()))


async def test_service_ends_when_a_worker_keeps_dying() -> None:
    """After so many deaths in a row; the others leave in good order."""
    staff = Staff([GOOD], [DIES])

    assert 1 == await finish(asyncio.create_task(Supervisor(staff, 2, AT_ONCE).run()))
    assert [1, 2, 2, 2] == [number for number, _, _ in await staff.wait_for_births(4)]
    assert staff.births.empty()
    assert 0 == staff.processes[1].returncode


async def test_long_life_forgives_early_deaths() -> None:
    """Only deaths in a row count."""
    staff = Staff([DIES, LIVES_AND_DIES, DIES, LIVES_AND_DIES, GOOD])
    supervisor = Supervisor(staff, 1, Pace(steady_s=0.5, pause_s=0, max_early_deaths=2))
    running = asyncio.create_task(supervisor.run())
    await asyncio.wait({running, asyncio.create_task(staff.is_open.wait())}, return_when=asyncio.FIRST_COMPLETED)
    supervisor.stop()

    assert 0 == await finish(running)


def test_pause_grows_up_to_its_limit() -> None:
    """Each is twice the one before."""
    pace = Pace(pause_s=0.5, max_pause_s=10)

    assert [0, 0.5, 1, 2, 4, 8, 10, 10] == [pace.find_pause_s(times) for times in (*range(7), 10**6)]


async def test_pauses_are_kept() -> None:
    """Processes that cannot be made cost no time themselves."""
    staff = BareStaff([GOOD])
    clock = asyncio.get_running_loop().time
    began_s = clock()

    assert 1 == await finish(asyncio.create_task(Supervisor(staff, 1, Pace(pause_s=0.01, max_early_deaths=7)).run()))
    assert clock() - began_s > 0.9 * 0.01 * (2**6 - 1)  # 0.63 s; without growth 0.06 s


async def test_stop_does_not_wait_for_a_pause() -> None:
    """A service whose worker has just died leaves at once."""
    staff = Staff([GOOD], [DIES])
    supervisor = Supervisor(staff, 2, Pace(steady_s=600, pause_s=600))
    running = asyncio.create_task(supervisor.run())
    await staff.wait_for_births(2)
    await staff.processes[2].wait()
    supervisor.stop()

    assert 0 == await finish(running)


async def test_every_signal_is_told() -> None:
    """A worker knows itself what a second one means."""
    staff = Staff([LEAVES_AT_THE_SECOND_WORD])
    supervisor = Supervisor(staff, 1)
    running = asyncio.create_task(supervisor.run())
    await asyncio.wait_for(staff.is_open.wait(), 60)
    while not running.done():
        supervisor.stop()
        await asyncio.wait({running}, timeout=0.05)

    assert 0 == await finish(running)
    assert 1 == staff.told.count("stop")


async def test_worker_that_does_not_drain_shows_in_the_exit_status() -> None:
    """Requests may have been lost with it."""
    staff = Staff([LEAVES_BADLY])
    supervisor = Supervisor(staff, 1)
    running = asyncio.create_task(supervisor.run())
    await asyncio.wait_for(staff.is_open.wait(), 60)
    supervisor.stop()

    assert 1 == await finish(running)


async def test_worker_that_hangs_does_not_hold_up_the_stop() -> None:
    """It is killed when its time is over, and the exit status tells."""
    staff = Staff([HANGS])
    supervisor = Supervisor(staff, 1, Pace(leave_s=0.2))
    running = asyncio.create_task(supervisor.run())
    await asyncio.wait_for(staff.is_open.wait(), 60)
    with capture_logs() as logs:
        supervisor.stop()
        status = await finish(running)

    assert (1, -signal.SIGKILL) == (status, staff.processes[1].returncode)
    assert [1] == [line["worker"] for line in logs if line["event"] == "worker_died"]


async def test_worker_whose_doors_are_closed_has_nothing_to_drain() -> None:
    """The word ends it while it starts, and that is well."""
    staff = Staff([GOOD], [NEVER_OPENS])
    supervisor = Supervisor(staff, 2)
    running = asyncio.create_task(supervisor.run())
    await staff.wait_for_births(2)
    supervisor.stop()

    assert 0 == await finish(running)


class BareStaff(Staff):
    """The system has no process to give."""

    async def launch(self, birth: Birth) -> Process:
        """Fail as the system does."""
        self.births.put_nowait(birth)
        raise BlockingIOError("Resource temporarily unavailable")


async def test_process_that_cannot_be_made_counts_as_dead() -> None:
    """It is tried again, and in the end the service says so."""
    staff = BareStaff([GOOD])

    assert 1 == await finish(asyncio.create_task(Supervisor(staff, 1, AT_ONCE).run()))
    assert 3 == len(await staff.wait_for_births(3))
