"""The composition root: builds every room, and starts and stops them in order."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog
from fastapi import FastAPI

from service.api.http import build_http_app
from service.backends.base import Backend
from service.backends.embedded import EmbeddedBackend
from service.batching import Batcher, BatchLimits, Lanes
from service.codec import Codec
from service.server import find_url, listen, serve_until_signal
from service.settings import BatchingSettings, BulkSettings, Settings

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Gateway:
    """The built rooms that outlive a request.

    Attributes:
        backend: What runs the model.
        lanes: What admits and joins requests.
        http: The HTTP door.
    """

    backend: Backend
    lanes: Lanes
    http: FastAPI


@asynccontextmanager
async def run_gateway(settings: Settings) -> AsyncIterator[Gateway]:
    """A gateway that is loading its model or has it; at the end it drains from the door inwards."""
    backend = build_backend(settings)
    lanes = Lanes(
        Batcher(backend, _limits(settings.batching)),
        Batcher(backend, _limits(settings.bulk)),
        max_small_rows=settings.batching.max_batch_rows,
    )
    codec = Codec(backend, lanes, model_name=settings.model.name, max_rows=settings.limits.max_rows)
    # One thread: large bodies take turns, so that they never hold more than one processor of the small ones.
    with ThreadPoolExecutor(1, "bulk-bodies") as bulk:
        await backend.start()
        try:
            yield Gateway(backend, lanes, build_http_app(codec, settings.limits, bulk))
        finally:
            await lanes.close(grace_s=0)
            await backend.close()


def build_backend(settings: Settings) -> Backend:
    """The backend that the settings name.

    Raises:
        MissingTensorFlowError: If it is the embedded one and TensorFlow is not installed.
    """
    return EmbeddedBackend(
        settings.backend,
        settings.model,
        max_batches=settings.batching.max_batches + settings.bulk.max_batches,
        warm_up_sizes=find_warm_up_sizes(settings.batching.max_batch_rows, settings.bulk.max_batch_rows),
    )


def find_warm_up_sizes(small: int, bulk: int) -> tuple[int, ...]:
    """Batch sizes to run before a version may answer: the small ones, powers of two, and the limits of both lanes.

    TensorFlow prepares its kernels anew for each size it has not seen, which costs the first caller a millisecond.
    """
    powers = [2**power for power in range(bulk.bit_length())]
    return tuple(sorted({*range(1, min(small, 64) + 1), *powers, small, bulk}))


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was admitted and return.

    Raises:
        CannotListenError: If the address is taken or not ours.
    """
    with listen(settings.http) as listener:
        async with run_gateway(settings) as gateway:
            url = find_url(listener)
            _log.info("listening", url=url, docs=f"{url}/docs")
            # What outlasts the grace is told so by the lanes, and leaves by the door as a 503.
            await serve_until_signal(
                gateway.http, listener, settings.limits.shutdown_grace_s, partial(gateway.lanes.close, grace_s=0)
            )
    _log.info("stopped")


def _limits(settings: BatchingSettings | BulkSettings) -> BatchLimits:
    return BatchLimits(settings.max_batch_rows, settings.max_batches, settings.max_queue_rows)
