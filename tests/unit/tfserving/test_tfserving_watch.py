"""Readiness and the list of versions follow the server, and only what passes contract one may answer."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from grpc import StatusCode
from support.fakes import CODE_DIM
from support.serving_peer import (
    AVAILABLE,
    END,
    LOADING,
    START,
    UNLOADING,
    EventLog,
    ServingPeer,
    encode,
    open_backend,
    running_peer,
    until,
)

from service.backends.contract import DECODE
from service.backends.tfserving import TFServingBackend
from service.backends.tfserving.look import Observer
from service.backends.tfserving.signatures import check
from service.backends.tfserving.versions import Versions
from service.domain import NEWEST, Answer, Call, Deadline, Selector
from service.errors import BackendContractError, DeadlineExceededError, InvalidCodeError, NotFoundError, NotReadyError
from service.wire.tensorflow_serving import GetModelMetadataResponse, SignatureDefMap


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> EventLog:
    """What the watch logs."""
    log = EventLog()
    monkeypatch.setattr("service.backends.tfserving.watch._log", log)
    return log


@asynccontextmanager
async def watched(peer: ServingPeer, **options: Any) -> AsyncIterator[TFServingBackend]:
    """A backend of the peer that has looked at it at least once."""
    async with open_backend(peer.target, **options) as backend:
        await looks(peer, 2)
        yield backend


async def looks(peer: ServingPeer, count: int) -> None:
    """Return once the peer was looked at `count` times more."""
    wanted = peer.looks + count
    await until(lambda: peer.looks >= wanted)


@pytest.mark.parametrize("state", [0, START, LOADING, UNLOADING, END])
async def test_open_port_is_not_readiness(peer: ServingPeer, state: int) -> None:
    """Only a version that is AVAILABLE makes the backend ready."""
    peer.states = {1: state}
    async with watched(peer) as backend:
        assert not backend.is_ready()

        peer.states = {1: AVAILABLE}
        await until(backend.is_ready)


async def test_unknown_model_is_not_readiness(peer: ServingPeer, log: EventLog) -> None:
    """A server without the model is there, and is waited for; the log and the callers learn what to do."""
    peer.states = {}
    async with watched(peer) as backend:
        await looks(peer, 3)

        assert [] == backend.describe()
        assert not backend.is_ready()
        advice = "waiting for one; DIGITCODEC_MODEL__NAME chooses the model"
        assert [("no_versions_found", {"advice": advice})] == log.lines
        assert {"target": peer.target, "model": "digits"} == log.bound
        reason = f"the model server at {peer.target} has no version of digits; DIGITCODEC_MODEL__NAME chooses the model"
        assert reason == backend.explain()
        for selector in (NEWEST, Selector(version=1)):
            with pytest.raises(NotReadyError) as caught:
                await encode(backend, selector)
            assert reason == caught.value.detail


async def test_versions_that_come_and_go_are_told_again(peer: ServingPeer, log: EventLog) -> None:
    """Once each time that the model is lost."""
    async with watched(peer) as backend:
        for states in ({}, {2: AVAILABLE}, {}):
            peer.states = dict(states)
            await until(lambda: backend.is_ready() == bool(peer.states))
        assert 2 == log.events.count("no_versions_found")


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        ({1: LOADING}, "no version of digits is loaded yet"),
        ({1: UNLOADING}, "no version of digits is loaded yet"),
        ({1: END, 3: END}, "version 3 of digits cannot be used: saved_model.pb is damaged"),
        ({1: LOADING, 3: END}, "no version of digits is loaded yet"),
    ],
)
async def test_says_why_nothing_answers(peer: ServingPeer, states: dict[int, int], reason: str) -> None:
    """A version that loads may come; where all have ended, the newest one's error counts."""
    peer.states, peer.errors = states, {3: (5, "saved_model.pb is damaged")}
    async with watched(peer) as backend:
        assert reason == backend.explain()
        if LOADING in states.values():
            with pytest.raises(NotReadyError, match="version 1 of digits is not loaded yet"):
                await encode(backend, Selector(version=1))


async def test_labels_without_a_version_are_told(peer: ServingPeer, log: EventLog) -> None:
    """To the operator once, and to callers who use them."""
    async with watched(peer, labels={"stable": 1, "canary": 7}) as backend:
        await looks(peer, 3)

        lines = [fields for event, fields in log.lines if event == "label_without_version"]
        assert [{"label": "canary", "version": 7}] == lines
        with pytest.raises(NotFoundError) as caught:
            await encode(backend, Selector(label="canary"))
        assert "label 'canary' points to version 7 of digits, which is not loaded; loaded are [1, 2]" == str(
            caught.value
        )
        with pytest.raises(
            NotFoundError, match=r"digits has no label 'x'; it has \['canary', 'stable'\]; the model server"
        ):
            await encode(backend, Selector(label="x"))


async def test_describes_its_versions(peer: ServingPeer) -> None:
    """Newest first, with states as the server tells them, labels, signatures, and why one failed."""
    peer.states = {3: END, 1: AVAILABLE, 2: END, 4: START, 5: UNLOADING}
    peer.errors = {3: (5, "saved_model.pb\n is damaged"), 2: (0, "")}
    async with watched(peer, labels={"stable": 1, "canary": 3, "best": 1}) as backend:
        statuses = backend.describe()

    told = [(status.version, status.state, status.labels, status.error) for status in statuses]
    assert [
        (5, "UNLOADING", (), None),
        (4, "LOADING", (), None),
        (3, "END", ("canary",), "saved_model.pb is damaged"),
        (2, "END", (), None),
        (1, "AVAILABLE", ("best", "stable"), None),
    ] == told
    assert CODE_DIM == statuses[-1].code_dim
    assert {"encode", "decode", "reconstruct"} == set(statuses[-1].signatures)
    codes = {"codes": {"name": "codes:0", "dtype": "float32", "shape": [-1, CODE_DIM]}}
    assert codes == statuses[-1].signatures["encode"]["outputs"]
    assert all(status.card is None and "model card" in status.missing[0] for status in statuses)


def _rename(definitions: Any) -> None:
    definitions.signature_def["encode"].outputs["latent"].CopyFrom(definitions.signature_def["encode"].outputs["codes"])
    del definitions.signature_def["encode"].outputs["codes"]


def _use_doubles(definitions: Any) -> None:
    definitions.signature_def["encode"].outputs["codes"].dtype = 2


def _break(definitions: Any) -> None:
    raise RuntimeError


@pytest.mark.parametrize(
    ("spoil", "difference"),
    [
        (_rename, r"encode outputs are \['latent'\], expected \['codes'\]"),
        (_use_doubles, "encode outputs.codes is float64"),
        (lambda definitions: definitions.signature_def["decode"].Clear(), "decode inputs are"),
        (lambda definitions: definitions.signature_def.clear(), r"has the signatures \[\]"),
    ],
)
async def test_version_outside_the_contract_is_refused(
    peer: ServingPeer, log: EventLog, spoil: Callable[[Any], None], difference: str
) -> None:
    """The difference is named to the operator once, and to whoever calls it."""
    peer.spoil_signatures = spoil
    async with watched(peer, poll_interval_s=0.005) as backend:
        await looks(peer, 3)

        assert not backend.is_ready()
        assert ["END", "END"] == [status.state for status in backend.describe()]
        assert ["version_unusable"] * 2 == log.events
        assert re.match(f"version 2 of digits cannot be used: .*{difference}", backend.explain())
        for selector in (NEWEST, Selector(version=2), Selector(version=1)):
            with pytest.raises(BackendContractError, match=difference):
                await encode(backend, selector)
        assert not peer.heard


async def test_former_version_answers_beside_a_refused_one(peer: ServingPeer) -> None:
    """Only the newest decides on readiness; a caller may still name the one that is good."""
    peer.states = {1: AVAILABLE}
    async with watched(peer) as backend:
        peer.spoil_signatures, peer.states = _rename, {1: AVAILABLE, 2: AVAILABLE}
        await until(lambda: not backend.is_ready())

        assert 1 == (await encode(backend, Selector(version=1))).version
        assert [(2, "END"), (1, "AVAILABLE")] == [(each.version, each.state) for each in backend.describe()]


async def test_version_that_was_unloaded_is_looked_at_again(peer: ServingPeer) -> None:
    """The same number may come back as another model."""
    async with watched(peer) as backend:
        peer.states = {1: AVAILABLE, 2: END}
        await until(lambda: backend.describe()[0].state == "END")
        peer.code_dims, peer.states = {2: 9}, {1: AVAILABLE, 2: AVAILABLE}
        await until(backend.is_ready)
        await until(lambda: backend.describe()[0].code_dim is not None)

        assert 9 == backend.describe()[0].code_dim


async def test_new_version_takes_over_without_a_gap(peer: ServingPeer) -> None:
    """Readiness does not flicker while the signatures of a new version are read."""
    peer.states = {1: AVAILABLE}
    async with watched(peer, poll_interval_s=0.001) as backend:
        await until(backend.is_ready)
        peer.states = {1: UNLOADING, 2: AVAILABLE}
        async with asyncio.timeout(10):
            while backend.describe()[0].version != 2:
                assert backend.is_ready()
                await asyncio.sleep(0)

        assert backend.is_ready()
        assert 2 == (await encode(backend)).version


async def test_signatures_that_cannot_be_read_now_are_asked_for_again(peer: ServingPeer, log: EventLog) -> None:
    """Nothing is known of the version until then; the trouble is logged once."""
    leave, peer.spoil_signatures, peer.states = peer.spoil_signatures, _break, {1: AVAILABLE}
    async with watched(peer, poll_interval_s=0.005) as backend:
        await looks(peer, 3)
        (status,) = backend.describe()

        assert "LOADING" == status.state
        assert "signatures cannot be read: UNKNOWN" in (status.error or "")
        assert ["version_unusable"] == log.events

        peer.spoil_signatures = leave
        await until(backend.is_ready)
        assert ["version_unusable", "version_available"] == log.events


async def test_server_that_goes_while_it_is_looked_at_is_away(peer: ServingPeer, log: EventLog) -> None:
    """Half a look is none."""
    peer.signatures_failure, peer.states = (StatusCode.UNAVAILABLE, "going"), {1: AVAILABLE}
    async with watched(peer) as backend:
        assert [] == backend.describe()
        assert ["server_away"] == log.events

        peer.signatures_failure = None
        await until(backend.is_ready)


def test_metadata_without_signatures_violates_the_contract() -> None:
    """Absent, or of another type than promised."""
    absent, damaged = GetModelMetadataResponse(), GetModelMetadataResponse()
    damaged.metadata["signature_def"].Pack(SignatureDefMap())
    damaged.metadata["signature_def"].value = b"\xff"

    assert "the server's metadata holds no signatures" == check(absent).violation == check(damaged).violation


async def test_server_that_does_not_tell_in_time_counts_as_away(peer: ServingPeer, log: EventLog) -> None:
    """A process that hangs is not ready, however open its port is."""
    peer.lasting_failure = (StatusCode.DEADLINE_EXCEEDED, "too slow")
    async with watched(peer, poll_interval_s=0.005) as backend:
        await looks(peer, 3)

        assert not backend.is_ready()
        assert [("server_away", "DEADLINE_EXCEEDED: too slow")] == [
            (event, fields["reason"]) for event, fields in log.lines
        ]


async def test_server_that_stays_away_is_told_again(
    peer: ServingPeer, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks at the log an hour later sees it too."""
    monkeypatch.setattr("service.backends.tfserving.watch._REMIND_AFTER_S", 0)
    peer.lasting_failure = (StatusCode.DEADLINE_EXCEEDED, "too slow")
    async with watched(peer, poll_interval_s=0.005):
        await until(lambda: len(log.events) >= 3)

    assert {"server_away"} == set(log.events)


async def test_watching_survives_whatever_a_look_raises(
    peer: ServingPeer, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next look is taken as if nothing had happened; what is not understood leaves a traceback."""
    look = Observer.look

    async def fail(*args: Any) -> Any:
        raise RuntimeError("unheard of")

    async with watched(peer) as backend:
        monkeypatch.setattr(Observer, "look", fail)
        await until(lambda: not backend.is_ready())
        monkeypatch.setattr(Observer, "look", look)
        await until(backend.is_ready)

    (fields,) = [fields for event, fields in log.lines if event == "server_away"]
    assert {"reason": "RuntimeError: unheard of", "exc_info": True} == fields


def decode(backend: TFServingBackend, width: int, timeout_s: float = 10) -> asyncio.Task[Answer]:
    """Decode one code of this width."""
    codes = np.zeros((1, width), np.float32)
    return asyncio.create_task(backend.run(Call("decode", DECODE), codes, Deadline.after(timeout_s)))


async def test_codes_of_a_wrong_width_cost_one_look_an_interval(
    peer: ServingPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many such batches come, side by side and one after another."""
    async with open_backend(peer.target, poll_interval_s=600) as backend:
        await until(backend.is_ready)
        outcomes = await asyncio.gather(*(decode(backend, 5) for _ in range(20)), return_exceptions=True)
        for _ in range(20):
            outcomes += await asyncio.gather(decode(backend, 5), return_exceptions=True)
        assert [InvalidCodeError] * 40 == [type(outcome) for outcome in outcomes]
        assert 2 == peer.looks

        monkeypatch.setattr(backend._watch, "_interval_s", 0)  # noqa: SLF001 - stands for an interval that has passed
        with pytest.raises(InvalidCodeError):
            await decode(backend, 5)
        assert 3 == peer.looks


@pytest.fixture
def hung_looks(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Looks after the first one wait for this event."""
    gate, look, is_first = asyncio.Event(), Observer.look, [True]

    async def wait_and_look(observer: Observer, versions: Versions) -> Any:
        if not is_first:
            await gate.wait()
        is_first.clear()
        return await look(observer, versions)

    monkeypatch.setattr(Observer, "look", wait_and_look)
    return gate


async def test_look_that_hangs_holds_nobody_beyond_the_deadline(peer: ServingPeer, hung_looks: asyncio.Event) -> None:
    """Codes of a wrong width end in time while it hangs, good ones are decoded, and closing does not wait for it."""
    async with open_backend(peer.target, poll_interval_s=600) as backend:
        await until(backend.is_ready)
        wrong = [decode(backend, 5, timeout_s=0.05) for _ in range(2)]
        outcomes = await asyncio.wait_for(asyncio.gather(*wrong, return_exceptions=True), 5)

        assert [DeadlineExceededError] * 2 == [type(outcome) for outcome in outcomes]
        assert 2 == (await decode(backend, CODE_DIM)).version

    assert not hung_looks.is_set()
    assert not [task for task in asyncio.all_tasks() if "Watch." in repr(task)]


async def test_look_goes_on_for_others_when_one_leaves(peer: ServingPeer, hung_looks: asyncio.Event) -> None:
    """Two batches share a look; the one that is cancelled does not take it from the other."""
    peer.code_dims, peer.states = {1: 7}, {1: AVAILABLE}
    async with open_backend(peer.target, poll_interval_s=600) as backend:
        await until(backend.is_ready)
        peer.states = {2: AVAILABLE}
        left, stays = decode(backend, CODE_DIM), decode(backend, CODE_DIM)
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        hung_looks.set()

        assert 2 == (await stays).version


async def test_closed_backend_looks_no_more(peer: ServingPeer) -> None:
    """After close the server is left alone."""
    async with watched(peer, poll_interval_s=0.001) as backend:
        pass
    seen = peer.looks
    async with running_peer() as other, open_backend(other.target, poll_interval_s=0.001):
        await looks(other, 20)

    assert seen == peer.looks
    assert not backend.is_ready()
