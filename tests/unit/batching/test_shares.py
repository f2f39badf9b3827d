"""How much of the waiting room one caller may fill, and that what it holds is always known."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.rooms import BATCH_ROWS, Arrivals, admit_all, build_room, take_all

from service.batching.drain import DrainRate
from service.batching.entry import Entry
from service.batching.fairness import Accounts
from service.batching.waiting import WaitingRoom
from service.domain import Call, Selector
from service.errors import OverloadedError

ROWS = 90
SHARE = 80
VERSIONS = st.sampled_from([None, 1, 2, 3])


def of_version(call: Call, version: int | None) -> Call:
    """The same call, which then is of another kind."""
    return call._replace(selector=Selector(version=version))


@pytest.fixture
def arrivals() -> Arrivals:
    """Nobody has come yet."""
    return Arrivals()


def fill(room: WaitingRoom, arrivals: Arrivals, caller: str) -> int:
    """Admit single rows of a caller until one is refused; how many were not."""
    admitted = 0
    try:
        while True:
            room.admit(arrivals.bring(caller))
            admitted += 1
    except OverloadedError:
        return admitted


def test_one_caller_may_fill_most_of_the_room(arrivals: Arrivals) -> None:
    """Eight ninths if it is alone; of what it leaves, the next one the same; the last is for who has nothing there."""
    room = build_room(ROWS)

    assert [SHARE, 8, 1, 1] == [fill(room, arrivals, caller) for caller in "abcd"]


def test_requests_of_nobody_in_particular_may_fill_the_room(arrivals: Arrivals) -> None:
    """They may be of many callers, so they have no share."""
    assert ROWS == fill(build_room(ROWS), arrivals, "")


def test_caller_with_nothing_waiting_may_bring_what_fits(arrivals: Arrivals) -> None:
    """A request that is larger than any share is admitted to an empty room, and then nothing more of its caller."""
    room = build_room(ROWS)
    room.admit(arrivals.bring("a", ROWS - 1))

    assert [0, 1] == [fill(room, arrivals, caller) for caller in "ab"]


def test_refusal_says_that_the_share_is_full(arrivals: Arrivals) -> None:
    """Unlike one for want of room, which is nobody's fault."""
    room = build_room(ROWS)
    fill(room, arrivals, "a")
    with pytest.raises(
        OverloadedError, match="80 rows of this caller wait, 2 more came, its share of the queue is full"
    ):
        room.admit(arrivals.bring("a", 2))
    with pytest.raises(OverloadedError, match="80 rows wait, 11 more came, the limit is 90"):
        room.admit(arrivals.bring("b", 11))


def test_refused_caller_is_to_wait_for_its_own_rows(arrivals: Arrivals) -> None:
    """Not for those of others: its share is free again before the room is."""
    now_s = 0.0
    rate = DrainRate(lambda: now_s)
    room = WaitingRoom(ROWS, BATCH_ROWS, rate)
    admit_all(room, [arrivals.bring("", 50)])
    held = fill(room, arrivals, "a")
    rate.resume()
    now_s = 5.0
    rate.note_finished(10)
    with pytest.raises(OverloadedError) as refusal:
        room.admit(arrivals.bring("a"))

    assert held < 40
    assert held / 2 == refusal.value.retry_after_s


def test_callers_with_nothing_waiting_are_forgotten() -> None:
    """However many addresses come by, only those who wait take memory."""
    accounts = Accounts()
    for number in range(100):
        accounts.charge(f"served {number}", 2, 2)
        accounts.serve(f"served {number}", 2, tag=2)
        accounts.charge(f"left {number}", 1, 1)
        accounts.refund(f"left {number}", 1)
    accounts.charge("waits", 1, 1)

    assert 1 == len(accounts)


class Room(RuleBasedStateMachine):
    """Whatever happens to requests, the room knows who holds how much, and forgets who holds nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.room = build_room(ROWS)
        self.arrivals = Arrivals()
        self.inside: list[Entry] = []
        self.left: list[Entry] = []

    @rule(caller=st.sampled_from(["", "a", "b", "c"]), rows=st.integers(1, 40), version=VERSIONS)
    def come(self, caller: str, rows: int, version: int | None) -> None:
        """A request is admitted, or refused and leaves no trace."""
        entry = self.arrivals.bring(caller, rows)
        entry.call = of_version(entry.call, version)
        try:
            self.room.admit(entry)
        except OverloadedError:
            return
        self.inside.append(entry)

    @precondition(lambda self: self.inside)
    @rule(data=st.data(), at_once=st.booleans())
    def abandon(self, data: st.DataObject, *, at_once: bool) -> None:
        """A caller leaves; the room hears of it at once, or finds out when it is the request's turn."""
        entry = data.draw(st.sampled_from(self.inside))
        entry.result.cancel()
        if at_once:
            self.room.remove(entry)
            self.room.remove(entry)
            self.inside.remove(entry)

    @precondition(lambda self: self.room)
    @rule()
    def take(self) -> None:
        """A batch leaves: rows of living requests that nobody has taken before, of the kind whose turn it is."""
        before = {entry: entry.taken for entry in self.inside}
        turn = min(self.inside, key=lambda entry: entry.place).call
        for part in self.room.take():
            assert (turn, before[part.entry], False) == (part.call, part.start, part.entry.result.done())
            self.left.append(part.entry)
        self.inside = [entry for entry in self.inside if entry.waiting]

    @precondition(lambda self: self.left)
    @rule(data=st.data(), version=VERSIONS)
    def run_again(self, data: st.DataObject, version: int | None) -> None:
        """A request of which some rows, or all, have left is to run once more, on whatever version."""
        entry = data.draw(st.sampled_from(self.left))
        self.room.remove(entry)
        entry.restart(of_version(entry.call, version))
        self.room.readmit(entry)
        self.inside = [each for each in self.inside if each is not entry] + [entry]

    @rule()
    def close(self) -> None:
        """Everybody is turned out."""
        assert set(self.inside) == set(self.room.empty())
        self.inside.clear()

    @invariant()
    def counts_add_up(self) -> None:
        """The rows of all, and of each caller."""
        assert sum(entry.waiting for entry in self.inside) == self.room.rows
        for caller in ("", "a", "b", "c"):
            held = sum(entry.waiting for entry in self.inside if entry.origin.caller == caller)
            assert held == self.room.count_rows(caller)

    def teardown(self) -> None:
        """Once everybody has left, nobody is remembered."""
        take_all(self.room)

        assert (0, SHARE) == (self.room.rows, fill(self.room, self.arrivals, "a"))


Room.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestRoom = Room.TestCase
