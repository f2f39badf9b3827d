"""The calls for large sets, for both clients: which conversation goes after one, and its asks."""

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from dataclasses import dataclass, replace

from service.client.asker import Asker, build_ask, number_asks
from service.client.asks import DEFAULT_THRESHOLD, Ask, Files, ImageOptions, Load, Operation, Packed
from service.client.conversation import send_rows
from service.client.images import Gatherer, ImageLike, ImagesLike, count_images, list_images, read_loads
from service.client.sets import SetConversation, send_on_stream, send_side_by_side


class SetOptions(ImageOptions, total=False):
    """What calls for sets may say beside what all calls with images may.

    Attributes:
        batch_rows: Images in a request; 256 by default.
        in_flight: Most requests under way; 4 by default. No more images are taken from the set meanwhile.
        progress: True for a bar on the standard error stream.
    """

    batch_rows: int
    in_flight: int
    progress: bool


AnyImages = ImagesLike | AsyncIterable[ImageLike]


@dataclass(frozen=True, slots=True)
class SetPlan:
    """How one set is gone after.

    Attributes:
        ask: What is wanted, without rows.
        conversation: What to do.
        batch_rows: Images in a request.
        in_flight: Most requests under way.
        total: How many images will come, if it is known.
        shows_progress: True for a bar.
    """

    ask: Ask
    conversation: SetConversation
    batch_rows: int
    in_flight: int
    total: int | None
    shows_progress: bool

    def read_asks(self, images: ImagesLike) -> Iterator[Ask]:
        """The requests of the set, in order; no image is taken before its request is wanted."""
        return number_asks(self.ask, read_loads(images, self._build_gatherer()))

    async def read_asks_async(self, images: AnyImages) -> AsyncIterator[Ask]:
        """The same on an event loop: files are read in threads."""
        gatherer, first_row = self._build_gatherer(), 0
        async for load in _read_loads(images, gatherer):
            yield replace(self.ask, load=load, first_row=first_row)
            first_row += len(load)

    def _build_gatherer(self) -> Gatherer:
        return Gatherer(self.ask.preprocess, self.batch_rows)


def plan_set(
    asker: Asker, operation: Operation, images: AnyImages, options: SetOptions, threshold: float = DEFAULT_THRESHOLD
) -> SetPlan:
    """How a client goes after a set.

    Raises:
        ValueError: If a number is below 1, or both a version and a label are named.
    """
    batch_rows, in_flight = options.get("batch_rows", 256), options.get("in_flight", 4)
    if batch_rows < 1 or in_flight < 1:
        raise ValueError(f"batch_rows is {batch_rows} and in_flight {in_flight}, expected at least 1")
    manner = asker.find_manner(options)
    if operation == "reconstruct" and asker.address.protocol == "grpc":
        conversation = send_on_stream(manner, in_flight)
    else:
        conversation = send_side_by_side(lambda ask: send_rows(ask, manner), in_flight)
    ask = build_ask(operation, options, threshold)
    return SetPlan(ask, conversation, batch_rows, in_flight, count_images(images), options.get("progress", False))


async def _read_loads(images: AnyImages, gatherer: Gatherer) -> AsyncIterator[Load]:
    async for image in _go_through(images):
        if isinstance(image, str | os.PathLike):
            loads = await asyncio.to_thread(_add, gatherer, image)
        else:
            loads = _add(gatherer, image)
        for load in loads:
            yield load
    for load in gatherer.finish():
        yield load


def _add(gatherer: Gatherer, image: ImageLike) -> list[Packed | Files]:
    return list(gatherer.add(image))


async def _go_through(images: AnyImages) -> AsyncIterator[ImageLike]:
    if isinstance(images, AsyncIterable):
        async for image in images:
            yield image
    else:
        for image in list_images(images):
            yield image
