"""Servers that hang, die, come back and refuse: what callers notice of it."""

import asyncio
import socket
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from grpc import StatusCode
from support.fakes import count_images
from support.serving_peer import EventLog, ServingPeer, encode, open_backend, running_peer, until

from service.backends.tfserving import TFServingBackend
from service.backends.tfserving.connection import Connection
from service.domain import Selector
from service.errors import DeadlineExceededError, NotReadyError
from service.settings import TFServingBackendSettings
from service.wire.tensorflow_serving import PREDICT

UNAVAILABLE = (StatusCode.UNAVAILABLE, "not now")


@pytest.fixture(params=["port", "socket"])
async def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a server listens and returns to."""
    return "127.0.0.1:0" if request.param == "port" else f"unix:{tmp_path / 'serving.sock'}"


async def test_service_resumes_when_the_server_is_back(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readiness follows its end and its return, calls fail fast in between, and nothing needs a restart."""
    log = EventLog()
    monkeypatch.setattr("service.backends.tfserving.watch._log", log)
    async with running_peer(1, address=address) as peer, open_backend(peer.target) as backend:
        await until(backend.is_ready)
        await peer.stop()
        await until(lambda: not backend.is_ready())
        began_s = time.monotonic()
        with pytest.raises(NotReadyError):
            await encode(backend)

        assert time.monotonic() - began_s < 1

        peer.code_dims = {1: 9}
        await peer.start()
        await until(backend.is_ready, timeout_s=2)
        assert 1 == (await encode(backend)).version
        assert [9] == [status.code_dim for status in backend.describe()]
    assert ["version_available", "server_away", "server_back", "version_available"] == log.events


async def test_everything_says_that_the_server_is_away(peer: ServingPeer, backend: TFServingBackend) -> None:
    """What was available stays listed, with the reason; what had failed keeps its own."""
    peer.states, peer.errors = {1: 30, 2: 40, 3: 50}, {3: (5, "is damaged")}
    await until(lambda: len(backend.describe()) == 3)
    await peer.stop()
    await until(lambda: not backend.is_ready())
    reason = backend.explain()

    assert reason.startswith(f"the model server at {peer.target} cannot be reached: UNAVAILABLE: ")
    told = [(status.version, status.state, status.error) for status in backend.describe()]
    assert [(3, "END", "is damaged"), (2, "UNLOADING", reason), (1, "LOADING", reason)] == told


async def test_call_that_meets_an_absent_server_ends_readiness_at_once(peer: ServingPeer) -> None:
    """Nobody waits for the next look, and the next look is not far."""
    async with open_backend(peer.target, poll_interval_s=600) as backend:
        await until(backend.is_ready)
        peer.failures.extend([UNAVAILABLE] * 3)
        seen = peer.looks
        with pytest.raises(NotReadyError):
            await encode(backend)

        assert not backend.is_ready()
        await until(backend.is_ready)
        assert seen + 1 == peer.looks


async def test_calls_before_any_server_was_there_fail_fast(peer: ServingPeer) -> None:
    """The gateway may start first."""
    await peer.stop()
    async with open_backend(peer.target) as backend:
        assert f"the model server at {peer.target} has not told its versions yet" == backend.explain()
        began_s = time.monotonic()
        with pytest.raises(NotReadyError, match="cannot be reached"):
            await encode(backend)

        assert time.monotonic() - began_s < 1
        await peer.start()
        await until(backend.is_ready, timeout_s=2)


async def test_address_that_never_speaks_is_given_up() -> None:
    """A frozen machine lets nobody wait for gRPC's own 20 seconds."""
    with socket.create_server(("127.0.0.1", 0)) as mute:  # the kernel takes connections, and nobody reads from them
        async with open_backend(f"ipv4:127.0.0.1:{mute.getsockname()[1]}") as backend:
            began_s = time.monotonic()
            with pytest.raises(NotReadyError):
                await encode(backend)

            assert time.monotonic() - began_s < 1.5


async def test_hung_call_ends_at_its_deadline_and_others_go_on(peer: ServingPeer, backend: TFServingBackend) -> None:
    """One that is never answered holds nobody else up."""
    peer.gate.clear()
    hung = asyncio.create_task(encode(backend, timeout_s=0.2))
    await asyncio.wait_for(peer.entered.wait(), 10)
    others = [asyncio.create_task(encode(backend)) for _ in range(3)]
    with pytest.raises(DeadlineExceededError):
        await hung
    peer.gate.set()

    assert [2, 2, 2] == [answer.version for answer in await asyncio.gather(*others)]


async def test_deadline_that_has_passed_sends_nothing(peer: ServingPeer, backend: TFServingBackend) -> None:
    """Nobody wants the answer."""
    with pytest.raises(DeadlineExceededError):
        await encode(backend, timeout_s=0)

    assert not peer.heard


async def test_unavailable_server_is_tried_again(peer: ServingPeer, backend: TFServingBackend) -> None:
    """A failure that passes is not noticed by callers, for batches of any size."""
    for rows in (1, 512):
        peer.failures.extend([UNAVAILABLE] * 2)
        answer = await encode(backend, images=count_images(rows))

        assert rows == len(answer.outputs["codes"])
    assert backend.is_ready()
    assert 6 == len(peer.heard)


async def test_budget_ends_retries_when_most_calls_fail(peer: ServingPeer, backend: TFServingBackend) -> None:
    """A server in trouble is not asked three times as often."""
    peer.failures.extend([UNAVAILABLE] * 1000)
    for _ in range(20):
        with pytest.raises(NotReadyError):
            await encode(backend)

    assert len(peer.heard) < 30


async def test_one_attempt_is_one_attempt(peer: ServingPeer) -> None:
    """Retries can be left to somebody else."""
    peer.failures.append(UNAVAILABLE)
    async with open_backend(peer.target, max_attempts=1) as backend:
        with pytest.raises(NotReadyError):
            await encode(backend)

    assert 1 == len(peer.heard)


async def test_calls_take_turns_over_all_addresses() -> None:
    """Each server has its share; when one dies, the other answers and nobody notices."""
    async with running_peer(1) as one, running_peer(1) as two, open_backend_of(one, two) as backend:
        await until(backend.is_ready)
        async with asyncio.timeout(10):
            while not (one.heard and two.heard):
                await encode(backend)
        before = [len(one.heard), len(two.heard)]
        for _ in range(10):
            await encode(backend)

        assert [count + 5 for count in before] == [len(one.heard), len(two.heard)]

        await one.stop()
        assert {1} == {(await encode(backend)).version for _ in range(10)}
        assert backend.is_ready()


def open_backend_of(*peers: ServingPeer) -> AbstractAsyncContextManager[TFServingBackend]:
    """A backend of several servers, which looks once only: looks take turns too."""
    return open_backend("ipv4:" + ",".join(peer.address for peer in peers), poll_interval_s=600)


async def test_version_swap_under_load_fails_nobody(peer: ServingPeer, backend: TFServingBackend) -> None:
    """The server chooses what is newest at each moment."""
    calls = []
    for version in range(3, 8):
        calls += [asyncio.create_task(encode(backend)) for _ in range(5)]
        await calls[-1]
        peer.states = {version: 30}

    assert 25 == len([await call for call in calls])


async def test_new_channel_leaves_running_calls_alone(peer: ServingPeer) -> None:
    """A name is resolved afresh while an answer is still under way."""
    connection = Connection(TFServingBackendSettings(target=peer.target))
    connection.open()
    peer.gate.clear()
    request = PREDICT.request(model_spec={"name": "digits"})
    slow = asyncio.create_task(connection.ask(PREDICT, request, 10))
    await asyncio.wait_for(peer.entered.wait(), 10)
    connection.renew()
    peer.entered.clear()
    quick = asyncio.create_task(connection.ask(PREDICT, request, 10))
    await asyncio.wait_for(peer.entered.wait(), 10)
    peer.lasting_failure = (StatusCode.INTERNAL, "enough")
    peer.gate.set()
    results = await asyncio.gather(slow, quick, return_exceptions=True)
    await connection.close(0)

    assert ["enough", "enough"] == [getattr(result, "details", str)() for result in results]


async def test_long_absence_renews_the_channel(peer: ServingPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Service resumes on whatever the name resolves to by then."""
    monkeypatch.setattr("service.backends.tfserving.watch._RENEW_AFTER_S", 0)
    renewed = asyncio.Event()
    renew = Connection.renew

    def renew_and_tell(connection: Connection) -> None:
        renew(connection)
        renewed.set()

    monkeypatch.setattr(Connection, "renew", renew_and_tell)
    async with open_backend(peer.target) as backend:
        await until(backend.is_ready)
        await peer.stop()
        await asyncio.wait_for(renewed.wait(), 10)
        await peer.start()
        await until(backend.is_ready, timeout_s=2)

        assert 2 == (await encode(backend)).version


async def test_closing_lets_a_running_call_finish(peer: ServingPeer, backend: TFServingBackend) -> None:
    """And takes no new one."""
    peer.gate.clear()
    running = asyncio.create_task(encode(backend, Selector(version=1)))
    await asyncio.wait_for(peer.entered.wait(), 10)
    closing = asyncio.create_task(backend.close())
    await until(lambda: not backend.is_ready())
    with pytest.raises(NotReadyError):
        await encode(backend)
    peer.gate.set()
    await closing

    assert 1 == (await running).version


async def test_closing_does_not_wait_for_a_server_that_hangs(
    peer: ServingPeer, backend: TFServingBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller is told, rather than cancelled by somebody else."""
    monkeypatch.setattr("service.backends.tfserving.backend._CLOSE_GRACE_S", 0.01)
    peer.gate.clear()
    running = asyncio.create_task(encode(backend))
    await asyncio.wait_for(peer.entered.wait(), 10)
    await asyncio.wait_for(backend.close(), 10)

    with pytest.raises(NotReadyError, match="closed during the call"):
        await running


async def test_closed_connection_stays_closed(peer: ServingPeer) -> None:
    """A look that ends late must not open it again."""
    connection = Connection(TFServingBackendSettings(target=peer.target))
    connection.renew()
    with pytest.raises(NotReadyError, match="not open"):
        await connection.ask(PREDICT, PREDICT.request(), 10)


async def test_closed_backend_answers_nothing(peer: ServingPeer) -> None:
    """It may be closed twice."""
    async with open_backend(peer.target) as backend:
        await backend.close()
        await backend.close()
        with pytest.raises(NotReadyError):
            await encode(backend)
