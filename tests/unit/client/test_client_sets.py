"""Large sets through both clients over both protocols: in order, bounded, and through trouble."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import pytest
from support.client_gateway import ClientGateway, Driven, Kind, Protocol, driving, open_client_gateway
from support.fakes import FakeBackend, HeldBackend, count_images, fake_codes, fake_errors, fake_reconstructions
from support.raw_http import PATIENCE_S

from service import errors as core
from service.client import DeadlineExceededError, InternalError, InvalidImageError, NotReadyError, Retries
from service.client.asker import Asker
from service.client.asks import Result
from service.client.async_driver import SetRun
from service.client.conversation import Send
from service.client.set_asker import plan_set
from service.domain import Images
from service.images import render_png
from service.settings import GrpcSettings

IMAGES = count_images(70)
ONE_AT_A_TIME = {"batch_rows": 10, "in_flight": 1}


def join(answers: list[Any], name: str) -> Any:
    """An array of all answers."""
    return np.concatenate([getattr(answer, name) for answer in answers])


async def test_sets_are_answered_in_order(client: Driven) -> None:
    """Every batch but the last is as large as was asked for."""
    codes = await client.list_all("encode_many", IMAGES, batch_rows=20)
    scores = await client.list_all("score_many", list(IMAGES), batch_rows=20)
    pictures = await client.list_all("reconstruct_many", iter([IMAGES[:33], IMAGES[33:]]), batch_rows=20)

    np.testing.assert_array_equal(fake_codes(IMAGES), join(codes, "codes"))
    np.testing.assert_array_equal(fake_errors(IMAGES), join(scores, "errors"))
    np.testing.assert_array_equal(fake_reconstructions(IMAGES), join(pictures, "reconstructions"))
    assert [[20, 20, 20, 10]] * 3 == [[len(answer) for answer in answers] for answers in (codes, scores, pictures)]


async def test_empty_set_has_no_answers(client: Driven) -> None:
    """And is no failure."""
    assert [] == await client.list_all("reconstruct_many", [])


class _Counted:
    """A set that knows how much of it was taken.

    Attributes:
        taken: Images so far.
    """

    def __init__(self) -> None:
        self.taken = 0

    def __iter__(self) -> Iterator[Images]:
        for image in IMAGES:
            self.taken += 1
            yield image


@pytest.mark.parametrize("method", ["score_many", "reconstruct_many"])
async def test_sets_are_taken_no_faster_than_their_answers(client: Driven, gateway: ClientGateway, method: str) -> None:
    """The first answer was handed over when three batches of five had been taken; leaving ends the rest."""
    images = _Counted()
    first = await client.take_first(method, images, batch_rows=5, in_flight=3)

    assert (5, 15) == (len(first), images.taken)
    assert sum(gateway.backend.batch_sizes) <= 15


@pytest.mark.parametrize("method", ["score_many", "reconstruct_many"])
async def test_answers_before_a_failure_are_handed_over(client: Driven, method: str) -> None:
    """The error names the rows of the whole set."""
    files: list[bytes] = [render_png(image) for image in IMAGES[:20]]
    files[13] = b"no picture"
    seen: list[Any] = []
    with pytest.raises(InvalidImageError) as caught:
        await client.list_all(method, _note_answers(files, seen), batch_rows=5, in_flight=1)

    assert ((10, 15), 15) == (caught.value.rows, len(seen))


def _note_answers(files: list[bytes], seen: list[Any]) -> Iterator[bytes]:
    for file in files:
        seen.append(file)
        yield file


@pytest.mark.parametrize("kind_of_error", [core.OverloadedError, core.NotReadyError])
async def test_batches_that_may_pass_are_sent_again(
    client: Driven, gateway: ClientGateway, kind_of_error: type[core.DigitCodecError]
) -> None:
    """The set goes on as if nothing had been."""
    gateway.backend.failure = kind_of_error("in trouble")
    gateway.backend.failure.retry_after_s = None
    answers = await client.list_all("reconstruct_many", IMAGES, batch_rows=20)

    np.testing.assert_array_equal(fake_reconstructions(IMAGES), join(answers, "reconstructions"))


async def test_batches_that_are_too_large_are_halved(kind: Kind, protocol: Protocol) -> None:
    """Each is still one answer."""
    async with open_client_gateway(max_rows=6) as gateway, driving(kind, gateway.urls[protocol]) as client:
        answers = await client.list_all("reconstruct_many", IMAGES, batch_rows=20)

    np.testing.assert_array_equal(fake_reconstructions(IMAGES), join(answers, "reconstructions"))
    assert [20, 20, 20, 10] == [len(answer) for answer in answers]


@pytest.mark.parametrize("method", ["score_many", "reconstruct_many"])
async def test_batches_have_a_deadline(kind: Kind, protocol: Protocol, method: str) -> None:
    """Each of its own."""
    async with open_client_gateway(HeldBackend()) as gateway, driving(kind, gateway.urls[protocol]) as client:
        with pytest.raises(DeadlineExceededError) as caught:
            await client.list_all(method, IMAGES, batch_rows=20, timeout_s=0.2)

    assert (0, 20) == caught.value.rows


async def test_service_that_is_away_ends_a_set(client: Driven, gateway: ClientGateway) -> None:
    """After the attempts that the client may make."""
    gateway.backend.versions.clear()
    with pytest.raises(NotReadyError):
        await client.list_all("reconstruct_many", IMAGES, timeout_s=0.5)


class _Interrupted:
    """A set in the midst of which something happens on the event loop of the test."""

    def __init__(self, interrupt: Callable[[], Any]) -> None:
        self._interrupt = interrupt
        self._loop = asyncio.get_running_loop()

    def __iter__(self) -> Iterator[Images]:
        yield IMAGES[:35]
        asyncio.run_coroutine_threadsafe(self._interrupt(), self._loop).result(PATIENCE_S)
        yield IMAGES[35:]

    async def go_through(self) -> AsyncIterator[Images]:
        """The same on the loop itself."""
        yield IMAGES[:35]
        await self._interrupt()
        yield IMAGES[35:]


async def test_stream_outlives_its_service(kind: Kind) -> None:
    """Another one at the same address answers the rest, in order and once."""
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        gateway = await first.enter_async_context(open_client_gateway())
        url = gateway.urls["grpc"]

        async def restart() -> None:
            await first.aclose()
            port = int(url.rpartition(":")[2])
            await second.enter_async_context(open_client_gateway(FakeBackend(2), rpc=GrpcSettings(port=port)))

        images = _Interrupted(restart)
        async with driving(kind, url) as client:
            source = images if kind == "sync" else images.go_through()
            answers = await client.list_all("reconstruct_many", source, **ONE_AT_A_TIME)

    np.testing.assert_array_equal(fake_reconstructions(IMAGES), join(answers, "reconstructions"))
    assert [1, 1, 1, 2, 2, 2, 2] == [answer.model.version for answer in answers]


async def test_progress_is_shown_if_wanted(client: Driven, capsys: pytest.CaptureFixture[str]) -> None:
    """On the standard error stream, with the number of images."""
    await client.list_all("encode_many", IMAGES)
    quiet = capsys.readouterr()
    await client.list_all("encode_many", IMAGES, batch_rows=20, progress=True)
    shown = capsys.readouterr()

    assert ("", "") == quiet
    assert "70/70" in shown.err


class _Refusing:
    """A transport without a service; the first request fails after the fourth."""

    def __init__(self) -> None:
        self._is_fourth_over = asyncio.Event()

    async def send(self, send: Send) -> Result:
        """Fail."""
        if send.ask.first_row == 0:
            await self._is_fourth_over.wait()
        if send.ask.first_row == 30:
            self._is_fourth_over.set()
        raise InternalError(f"{send.ask.operation} broke")

    async def close(self) -> None:
        """Nothing is open."""


async def test_failures_at_which_nobody_looks_are_not_reported() -> None:
    """Asyncio would log each request that failed beside the one that ended the set."""
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    with pytest.raises(InternalError):
        await _begin_refused_set()
    await asyncio.sleep(0)  # the loop lets go of what is left of the set
    gc.collect()

    assert [] == reported


async def _begin_refused_set() -> None:
    plan = plan_set(Asker("http://door", 1, Retries(max_attempts=1), 10), "score", IMAGES, {"batch_rows": 10})
    await anext(SetRun(_Refusing(), plan.read_asks_async(IMAGES)).run(plan.conversation))


@pytest.mark.parametrize("options", [{"batch_rows": 0}, {"in_flight": 0}])
async def test_numbers_below_one_are_refused(client: Driven, options: dict[str, int]) -> None:
    """Before anything is taken from the set."""
    with pytest.raises(ValueError, match="at least 1"):
        await client.list_all("encode_many", IMAGES, **options)
