"""The composition root: builds every room, and starts and stops them in order."""

import asyncio
import math
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import structlog
import uvicorn
from fastapi import FastAPI

from service.api.http import build_http_app
from service.backends.base import Backend
from service.backends.embedded import EmbeddedBackend
from service.batching import Batcher, BatchLimits, Lanes
from service.codec import Codec
from service.settings import BatchingSettings, BulkSettings, HttpSettings, Settings

_log = structlog.get_logger()


class CannotListenError(Exception):
    """The HTTP address cannot be had."""


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
    with _listen(settings.http) as listener:
        async with run_gateway(settings) as gateway:
            url = _find_url(listener)
            _log.info("listening", url=url, docs=f"{url}/docs")
            await _serve_until_stopped(gateway, listener, settings)
    _log.info("stopped")


async def _serve_until_stopped(gateway: Gateway, listener: socket.socket, settings: Settings) -> None:
    """Answer until a signal; then no new connections, a grace for what runs, and 503 for what outlasts it."""
    server = _Server(_uvicorn_config(gateway.http, settings))
    serving = asyncio.create_task(server.serve([listener]))
    stopping = asyncio.create_task(_wait_for_signal())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    server.should_exit = True
    done, _ = await asyncio.wait({serving}, timeout=settings.limits.shutdown_grace_s)
    if not done:
        await gateway.lanes.close(grace_s=0)
    await serving


async def _wait_for_signal() -> None:
    """Return at the first SIGTERM or SIGINT; a second one finds the system's own handlers and ends the process."""
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, came.set)
    await came.wait()
    for number in signals:
        loop.remove_signal_handler(number)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: those raise the signal again, so that the exit status is not 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `_wait_for_signal`."""
        yield


def _uvicorn_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,  # the door writes one line a request itself
        backlog=_BACKLOG,
        http="httptools",
        lifespan="off",  # run_gateway starts and stops the rooms
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(settings.limits.shutdown_grace_s) + _FAREWELL_S,
        ws="none",
    )


# Time for the answers that tell of the end of the grace.
_FAREWELL_S = 2
# Connections that may wait for accept: a burst of new clients is not turned away.
_BACKLOG = 2048


def _find_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listen(http: HttpSettings) -> socket.socket:
    try:
        family = socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((http.host, http.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise CannotListenError(
            f"cannot listen on {http.host}:{http.port}: {error.strerror or error}; "
            "choose others with DIGITCODEC_HTTP__HOST and DIGITCODEC_HTTP__PORT"
        ) from error


def _limits(settings: BatchingSettings | BulkSettings) -> BatchLimits:
    return BatchLimits(settings.max_batch_rows, settings.max_batches, settings.max_queue_rows)
