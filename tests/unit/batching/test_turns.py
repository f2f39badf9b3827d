"""Who leaves the waiting room first: one caller's requests in order, and callers in turn."""

from collections import Counter, deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.rooms import BATCH_ROWS, KINDS, Arrivals, admit_all, build_room, take_all

from service.batching.entry import Entry, Part
from service.batching.waiting import WaitingRoom
from service.domain import Call, Selector

SIZES = st.lists(st.integers(1, 3 * BATCH_ROWS), min_size=1, max_size=30)
REQUESTS = st.lists(st.tuples(st.integers(1, 3 * BATCH_ROWS), st.sampled_from([0, 1])), min_size=1, max_size=30)
Cut = tuple[int, int, int]
# Each example is quick, but a busy machine may stop in the middle of it.
some = settings(max_examples=60, deadline=None)


class CountedOrder(int):
    """A place in the order of arrival that counts how often one is compared."""

    compared = 0

    def __lt__(self, other: int) -> bool:
        CountedOrder.compared += 1
        return super().__lt__(other)


@pytest.fixture
def room() -> WaitingRoom:
    """An empty room."""
    return build_room()


@pytest.fixture
def arrivals() -> Arrivals:
    """Nobody has come yet."""
    return Arrivals()


def show(batch: list[Part]) -> list[Cut]:
    """Whose rows are in a batch, and which."""
    return [(part.entry.order, part.start, part.stop) for part in batch]


def count_by_caller(batch: list[Part]) -> Counter[str]:
    """Rows of each caller in a batch."""
    rows: Counter[str] = Counter()
    for part in batch:
        rows[part.entry.origin.caller] += len(part)
    return rows


def take_in_order_of_arrival(entries: list[Entry]) -> list[list[Cut]]:
    """What a plain FIFO makes of them: the oldest decides on the kind, others of its kind ride along."""
    left = {entry.order: deque(range(len(entry.rows))) for entry in entries}
    batches = []
    while any(left.values()):
        call = next(entry.call for entry in entries if left[entry.order])
        batch: list[Cut] = []
        room = BATCH_ROWS
        for entry in (each for each in entries if each.call == call and left[each.order]):
            taken = [left[entry.order].popleft() for _ in range(min(room, len(left[entry.order])))]
            room -= len(taken)
            if taken:
                batch.append((entry.order, taken[0], taken[-1] + 1))
        batches.append(batch)
    return batches


@some
@given(REQUESTS, st.sampled_from(["", "a"]))
def test_one_callers_requests_leave_in_order_of_arrival(requests: list[tuple[int, int]], caller: str) -> None:
    """First in, first out, whatever their sizes and kinds: alone, a caller notices nothing of turns."""
    room, arrivals = build_room(), Arrivals()
    entries = admit_all(room, [arrivals.bring(caller, rows, kind) for rows, kind in requests])

    assert take_in_order_of_arrival(entries) == [show(batch) for batch in take_all(room)]


@some
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 20), st.sampled_from([0, 1])), min_size=1, max_size=30)
)
def test_rows_leave_once_and_in_their_callers_order(requests: list[tuple[str, int, int]]) -> None:
    """No row is lost or doubled, and within a kind no request is overtaken by a later one of its own caller."""
    room, arrivals = build_room(), Arrivals()
    entries = admit_all(room, [arrivals.bring(*request) for request in requests])
    parts = [part for batch in take_all(room) for part in batch]

    for entry in entries:
        assert list(range(len(entry.rows))) == [
            row for part in parts if part.entry is entry for row in range(part.start, part.stop)
        ]
    for caller, _, kind in set(requests):
        line = [entry for entry in entries if entry.origin.caller == caller and entry.call is KINDS[kind]]
        assert line == list(dict.fromkeys(part.entry for part in parts if part.entry in line))


@some
@given(SIZES, st.integers(0, 20), st.sampled_from([0, 1]))
def test_single_row_leaves_within_two_batches(backlog: list[int], batches_before: int, kind: int) -> None:
    """However much another caller has waiting, and however much of it has left by then."""
    room, arrivals = build_room(), Arrivals()
    admit_all(room, [arrivals.bring("greedy", rows) for rows in backlog])
    for _ in range(min(batches_before, sum(backlog) // BATCH_ROWS)):
        room.take()
    single = arrivals.bring("single", kind=kind)
    room.admit(single)
    batches = take_all(room)[:2]

    assert single in [part.entry for batch in batches for part in batch]


@some
@given(st.lists(SIZES, min_size=1, max_size=5), st.integers(0, 20))
def test_single_row_waits_for_one_turn_of_each_other_caller(backlogs: list[list[int]], batches_before: int) -> None:
    """A turn is at most a batch and the row that ends with it."""
    room, arrivals = build_room(), Arrivals()
    for number, backlog in enumerate(backlogs):
        admit_all(room, [arrivals.bring(f"greedy {number}", rows) for rows in backlog])
    for _ in range(min(batches_before, sum(map(sum, backlogs)) // BATCH_ROWS)):
        room.take()
    single = arrivals.bring("single")
    room.admit(single)
    parts = [part for batch in take_all(room) for part in batch]
    before = count_by_caller(parts[: [part.entry for part in parts].index(single)])

    assert max(before.values(), default=0) <= BATCH_ROWS + 1


@some
@given(SIZES, SIZES)
def test_callers_who_wait_are_served_alike(first: list[int], second: list[int]) -> None:
    """As long as both have rows waiting, neither is ahead by more than a batch for each of them."""
    room, arrivals = build_room(), Arrivals()
    for caller, backlog in (("a", first), ("b", second)):
        admit_all(room, [arrivals.bring(caller, rows) for rows in backlog])
    served: Counter[str] = Counter()
    while room.count_rows("a") and room.count_rows("b"):
        served += count_by_caller(room.take())

        assert abs(served["a"] - served["b"]) <= 2 * BATCH_ROWS


def test_one_row_at_a_time_is_served_as_a_backlog_is(room: WaitingRoom, arrivals: Arrivals) -> None:
    """Who comes again as soon as it is served does not go before those who wait each time."""
    admit_all(room, [arrivals.bring("waits") for _ in range(40)])
    served: Counter[str] = Counter()
    for _ in range(8):
        admit_all(room, [arrivals.bring("returns", BATCH_ROWS)])
        served += count_by_caller(room.take())

    assert {"waits": 4 * BATCH_ROWS, "returns": 4 * BATCH_ROWS} == served


def test_many_who_return_do_not_starve_one_who_waits(room: WaitingRoom, arrivals: Arrivals) -> None:
    """A batch full of callers who come again at once leaves room for the one whose turn it is."""
    admit_all(room, [arrivals.bring("waits") for _ in range(3)])
    served: Counter[str] = Counter()
    for _ in range(4):
        admit_all(room, [arrivals.bring(f"returns {number}") for number in range(BATCH_ROWS)])
        served += count_by_caller(room.take())

    assert 3 == served["waits"]


def test_new_callers_do_not_starve_one_who_waits(room: WaitingRoom, arrivals: Arrivals) -> None:
    """Nor do callers whom nobody has seen before, each of them once."""
    admit_all(room, [arrivals.bring("waits") for _ in range(3)])
    served: Counter[str] = Counter()
    for turn in range(4):
        admit_all(room, [arrivals.bring(f"new {turn} {number}") for number in range(BATCH_ROWS)])
        served += count_by_caller(room.take())

    assert 3 == served["waits"]


def test_rest_of_a_cut_request_waits_for_its_next_turn(room: WaitingRoom, arrivals: Arrivals) -> None:
    """A request of many batches holds up another caller's of two for no longer than one of them."""
    large, small = admit_all(room, [arrivals.bring("large", 100), arrivals.bring("small", 12)])
    batches = [show(room.take()) for _ in range(4)]

    assert [
        [(large.order, 0, 8)],
        [(small.order, 0, 8)],
        [(small.order, 8, 12), (large.order, 8, 12)],
        [(large.order, 12, 20)],
    ] == batches


def test_requests_that_expire_do_not_set_their_caller_back(room: WaitingRoom, arrivals: Arrivals) -> None:
    """What was never served is not charged, although its caller had something waiting all the time."""
    admit_all(room, [arrivals.bring("other") for _ in range(200)])
    request = arrivals.bring("unlucky", BATCH_ROWS)
    room.admit(request)
    for _ in range(20):
        expired, request = request, arrivals.bring("unlucky", BATCH_ROWS)
        room.admit(request)
        expired.result.cancel()
        room.remove(expired)
    batches = [room.take() for _ in range(4)]

    assert request in [part.entry for batch in batches for part in batch]


def test_waiting_for_one_kind_earns_nothing_for_another(room: WaitingRoom, arrivals: Arrivals) -> None:
    """While one caller waits for another kind's turn the clock goes on, and what it brings next begins then."""
    admit_all(room, [*(arrivals.bring("a") for _ in range(BATCH_ROWS)), arrivals.bring("b", kind=1)])
    room.take()
    admit_all(room, [arrivals.bring(caller) for caller in "ab" * BATCH_ROWS])
    room.take()

    assert {"a": BATCH_ROWS // 2, "b": BATCH_ROWS // 2} == count_by_caller(room.take())


def test_dropped_requests_let_nobody_overtake_its_own_caller(room: WaitingRoom, arrivals: Arrivals) -> None:
    """Time that a caller has back is used after what it has waiting, not before."""
    entries = admit_all(room, [arrivals.bring("a", 8) for _ in range(3)])
    entries[0].result.cancel()
    room.remove(entries[0])
    later = arrivals.bring("a")
    room.admit(later)

    assert [*entries[1:], later] == [part.entry for batch in take_all(room) for part in batch]


def test_all_of_a_request_that_runs_again_goes_first(room: WaitingRoom, arrivals: Arrivals) -> None:
    """Before all others of its kind, however many batches it takes."""
    again = arrivals.bring("again", 3 * BATCH_ROWS)
    room.admit(again)
    room.take()
    admit_all(room, [arrivals.bring(caller) for caller in ("other", "again", "third")])
    room.remove(again)
    again.restart(again.call)
    room.readmit(again)
    batches = [show(batch) for batch in take_all(room)]

    assert [[(again.order, start, start + BATCH_ROWS)] for start in range(0, 3 * BATCH_ROWS, BATCH_ROWS)] == batches[:3]


def test_kinds_take_turns_by_their_callers(room: WaitingRoom, arrivals: Arrivals) -> None:
    """A caller who names many versions has no more turns than one who names none."""
    for number in range(4):
        entry = arrivals.bring("many", BATCH_ROWS)
        entry.call = Call(entry.call.signature, entry.call.outputs, Selector(version=number + 1))
        room.admit(entry)
    admit_all(room, [arrivals.bring("one", BATCH_ROWS) for _ in range(2)])

    assert ["many", "one", "many", "one", "many", "many"] == [batch[0].entry.origin.caller for batch in take_all(room)]


def test_a_turn_costs_little_however_many_kinds_wait(room: WaitingRoom, arrivals: Arrivals) -> None:
    """Who asks for a thousand versions does not have all of them looked at for each batch: that would stop the loop."""
    entries = [arrivals.bring(f"caller {number}") for number in range(1000)]
    for number, entry in enumerate(entries):  # all have the same tag, so that their order decides
        entry.order = CountedOrder(entry.order)
        entry.call = Call(entry.call.signature, entry.call.outputs, Selector(version=number + 1))
    admit_all(room, entries)
    CountedOrder.compared = 0
    batches = take_all(room)

    assert entries == [part.entry for batch in batches for part in batch]
    assert CountedOrder.compared < 20 * len(entries)
