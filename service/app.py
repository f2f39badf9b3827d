"""The composition root: builds every room, and starts and stops them in order."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
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
            await lanes.close(settings.limits.shutdown_grace_s)
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
        warm_up_sizes=(*range(1, settings.batching.max_batch_rows + 1), settings.bulk.max_batch_rows),
    )


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was admitted and return.

    Raises:
        CannotListenError: If the address is taken or not ours.
    """
    with _listen(settings.http) as listener:
        async with run_gateway(settings) as gateway:
            server = _Server(_uvicorn_config(gateway.http, settings))
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, server.stop)
            host, port = listener.getsockname()[:2]
            _log.info("listening", url=f"http://{host}:{port}", docs=f"http://{host}:{port}/docs")
            await server.serve([listener])
    _log.info("stopped")


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: those raise the signal again, so that the exit status is not 0."""

    def stop(self) -> None:
        """Take no new connection, and leave `serve` once the running requests have their answers."""
        self.should_exit = True

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer on the given sockets until `stop`."""
        await self._serve(sockets)


def _uvicorn_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,  # the door writes one line a request itself
        backlog=_BACKLOG,
        http="httptools",
        lifespan="off",  # run_gateway starts and stops the rooms
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.limits.shutdown_grace_s)),
        ws="none",
    )


# Connections that may wait for accept: a burst of new clients is not turned away.
_BACKLOG = 2048


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
