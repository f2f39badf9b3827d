"""The same failures through every door of one gateway: the documented status, one word for the reason, and no harm."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from support.all_doors import LIMIT_BYTES, Gateway, Outcome, open_gateway
from support.door_words import ALL_RPC, DOORS, GOOD, Request, Rest, Rpc, UnsayableError, write
from support.failures import FAILURES, SECRET, STATUSES, Failure

_PAGE = Path(__file__).parents[2] / "docs" / "protocols.md"
_LEAST_FAILURES = 20
_LEAST_DOORS = 5
_SMALL_BYTES = 2**18
_SMALL_LIMIT_S = 1.0
# Megabytes take their time to send and to read where many tests share a machine.
_LARGE_LIMIT_S = 10.0


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """One gateway with all its doors, over a fake backend."""
    async with open_gateway() as opened:
        yield opened


def find_doors(failure: Failure) -> list[str]:
    """The doors that can express a failure."""
    doors = []
    for door in DOORS:
        with suppress(UnsayableError):
            failure.write(door)
            doors.append(door)
    return doors


def find_limit_s(request: Request) -> float:
    """How long a failure may take: what is small fails within a second."""
    size_bytes = len(request.content if isinstance(request, Rest) else request.message)
    return _SMALL_LIMIT_S if size_bytes <= _SMALL_BYTES else _LARGE_LIMIT_S


async def fail(gateway: Gateway, failure: Failure, door: str) -> Outcome:
    """Send a failure through a door, and then a good request."""
    request = failure.write(door)
    async with failure.trouble(gateway):
        outcome = await (gateway.send(request, None) if failure.names_no_time else gateway.send(request))
    assert outcome.took_s < find_limit_s(request), (door, outcome)
    after = await gateway.send(write(GOOD, door))

    assert after.is_good, (door, after)
    return outcome


@pytest.mark.parametrize("name", FAILURES)
async def test_failure_is_the_same_through_every_door(gateway: Gateway, name: str) -> None:
    """Status, reason and time to wait are the documented ones, in good time; the log has the reason of all."""
    failure = FAILURES[name]
    doors = find_doors(failure)
    outcomes = {door: await fail(gateway, failure, door) for door in doors}
    statuses = {door: failure.find_status(door) for door in doors}

    assert statuses == {door: outcome.status for door, outcome in outcomes.items()}, outcomes
    assert {door: failure.find_reason(door) for door in doors} == {
        door: outcome.reason for door, outcome in outcomes.items()
    }
    assert {door: (status, failure.reason) for door, status in statuses.items()} == {
        door: outcome.logged for door, outcome in outcomes.items()
    }
    assert {door: failure.find_retry_s(door) for door in doors} == {
        door: outcome.retry_s for door, outcome in outcomes.items()
    }
    assert [] == [door for door, outcome in outcomes.items() if SECRET in outcome.text]


@pytest.mark.parametrize("door", DOORS)
async def test_good_request_is_answered(gateway: Gateway, door: str) -> None:
    """So that a failure above is that of its request, and not of the way in which it was sent."""
    outcome = await gateway.send(write(GOOD, door))

    assert outcome.is_good, outcome


def test_enough_failures_go_through_enough_doors() -> None:
    """At least twenty through at least five doors each, and each door has at least twenty."""
    doors = {name: find_doors(failure) for name, failure in FAILURES.items()}
    widely = [name for name, used in doors.items() if len(used) >= _LEAST_DOORS]

    assert len(widely) >= _LEAST_FAILURES
    assert {} == {
        door: count for door in DOORS if (count := sum(door in used for used in doors.values())) < _LEAST_FAILURES
    }


def test_statuses_are_the_documented_ones() -> None:
    """The page about protocols has the same table."""
    _, _, section = _PAGE.read_text().partition("## Failures")
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in section.splitlines() if "| `" in line]

    assert {reason: [str(status) for status in statuses] for reason, statuses in STATUSES.items()} == {
        reason: statuses for reason, *statuses in rows
    }


@pytest.mark.parametrize("door", ALL_RPC)
async def test_grpc_itself_answers_what_never_reaches_a_door(gateway: Gateway, door: str) -> None:
    """Without our details, as docs/grpc.md says; the door stays as it was."""
    good = write(GOOD, door)
    assert isinstance(good, Rpc)
    no_method, too_long = [
        await gateway.send(request)
        for request in (
            Rpc(good.path + "2", good.message),
            Rpc(good.path, bytes(LIMIT_BYTES + 1)),
        )
    ]

    assert ("UNIMPLEMENTED", None) == (no_method.status, no_method.reason)
    assert ("RESOURCE_EXHAUSTED", None) == (too_long.status, too_long.reason)
    assert (await gateway.send(good)).is_good
