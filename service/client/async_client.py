"""The client for programs on an event loop."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from numpy.typing import NDArray

from service.client.address import Trust
from service.client.answers import Codes, Pictures, Reconstructions, Scores, ServedModel
from service.client.asker import MAX_ROWS, Asker
from service.client.asks import DEFAULT_THRESHOLD, ImageOptions, Options
from service.client.async_driver import SetRun, hold
from service.client.conversation import Conversation
from service.client.images import ImagesLike
from service.client.progress import open_bar
from service.client.retries import Retries
from service.client.set_asker import AnyImages, SetOptions, SetPlan, plan_set
from service.client.transports import build_async_transport

T = TypeVar("T")


class AsyncClient:
    """What `Client` is, with the same methods to be awaited; for one event loop. Files are read in threads."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout_s: float = 30.0,
        retries: Retries | None = None,
        ca: str | Path | None = None,
        cert: tuple[str | Path, str | Path] | None = None,
        max_rows: int = MAX_ROWS,
    ) -> None:
        """Prepare; nothing is connected yet. Arguments and errors are those of `Client`."""
        self._asker = Asker(url, timeout_s, retries or Retries(), max_rows)
        self._transport = build_async_transport(self._asker.address, key, Trust(ca, cert))

    async def encode(self, images: ImagesLike, **options: Unpack[ImageOptions]) -> Codes:
        """As `Client.encode`."""
        return await self._hold(self._asker.encode(images, **options))

    async def decode(self, codes: Codes | NDArray[Any], **options: Unpack[Options]) -> Pictures:
        """As `Client.decode`."""
        return await self._hold(self._asker.decode(codes, **options))

    async def reconstruct(
        self, images: ImagesLike, threshold: float = DEFAULT_THRESHOLD, **options: Unpack[ImageOptions]
    ) -> Reconstructions:
        """As `Client.reconstruct`."""
        return await self._hold(self._asker.reconstruct(images, threshold, **options))

    async def score(
        self, images: ImagesLike, threshold: float = DEFAULT_THRESHOLD, **options: Unpack[ImageOptions]
    ) -> Scores:
        """As `Client.score`."""
        return await self._hold(self._asker.score(images, threshold, **options))

    def encode_many(self, images: AnyImages, **options: Unpack[SetOptions]) -> AsyncGenerator[Codes, None]:
        """As `Client.encode_many`; the set may be an asynchronous one."""
        return self._run(plan_set(self._asker, "encode", images, options), images)

    def score_many(
        self, images: AnyImages, threshold: float = DEFAULT_THRESHOLD, **options: Unpack[SetOptions]
    ) -> AsyncGenerator[Scores, None]:
        """As `Client.score_many`; the set may be an asynchronous one."""
        return self._run(plan_set(self._asker, "score", images, options, threshold), images)

    def reconstruct_many(
        self, images: AnyImages, threshold: float = DEFAULT_THRESHOLD, **options: Unpack[SetOptions]
    ) -> AsyncGenerator[Reconstructions, None]:
        """As `Client.reconstruct_many`; the set may be an asynchronous one."""
        return self._run(plan_set(self._asker, "reconstruct", images, options, threshold), images)

    async def models(self) -> tuple[ServedModel, ...]:
        """As `Client.models`."""
        return await self._hold(self._asker.list_models())

    async def is_ready(self) -> bool:
        """As `Client.is_ready`."""
        return await self._hold(self._asker.is_ready())

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _hold(self, conversation: Conversation[T]) -> T:
        return await hold(conversation, self._transport)

    async def _run(self, plan: SetPlan, images: AnyImages) -> AsyncGenerator[Any, None]:
        run = SetRun(self._transport, plan.read_asks_async(images))
        with open_bar(plan.total, is_wanted=plan.shows_progress) as advance:
            async with aclosing(run.run(plan.conversation)) as answers:
                async for answer in answers:
                    advance(len(answer))
                    yield answer
