"""A service of several processes: the first one, which holds the ports and watches, and the workers, which answer."""

import asyncio
import shutil
import signal
import socket
import sys
from asyncio.subprocess import Process
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from service.app import (
    GRPC_ADDRESS,
    HTTP_ADDRESS,
    build_gateway_http,
    plan_farewell,
    wait_for_model,
)
from service.collector import keep_from_collector
from service.core import Core, run_core
from service.doors import build_gateway_rpc
from service.observability.shared import SharedPage, forget_worker
from service.servers import (
    FAREWELL_S,
    LEAVE,
    STOP_SIGNALS,
    Birth,
    Heritage,
    Lifeline,
    Pace,
    RpcServer,
    ServerCertificate,
    Supervisor,
    find_url,
    listen,
    load_certificate,
    raise_file_limit,
    reserve,
    run_until_signal,
    serve_until_signal,
)
from service.settings import LimitSettings, Settings
from service.startup import CannotStartError

_log = structlog.get_logger()

# A worker that replaces another one has so long to load the model while the others answer alone.
_MODEL_WAIT_S = 60.0
# After its doors a worker closes the backend and sends its last traces.
_CLOSING_S = 10.0
# The files of one worker's metrics are about six, of a MiB each at first.
_METRICS_BYTES = 16 * 2**20
_FOLDER_NEEDED = "several workers need a temporary folder for their metrics"


class NoSharedFolderError(CannotStartError):
    """There is no folder that the workers could share."""


async def serve_workers(settings: Settings) -> int:
    """Keep the workers answering on every door until SIGTERM or SIGINT; return once all have drained.

    Returns:
        The exit status: 0 if all drained; 2 if no worker could start as configured, and one said why; 1 if workers kept
        dying at their start, or one died on its way out, or hung and was killed.

    Raises:
        CannotListenError: If an address is taken or not ours.
        NoSharedFolderError: If no temporary folder can be made, or has no room.
        UnusableCertificateError: If TLS is on and its files cannot be used.
    """
    http, grpc = settings.http, settings.grpc
    raise_file_limit(http.max_connections)  # the workers inherit it
    has_tls = load_certificate(settings.tls) is not None
    with ExitStack() as held:
        listener = held.enter_context(listen(http.host, http.port, settings=HTTP_ADDRESS))
        reserved = held.enter_context(reserve(grpc.host, grpc.port, settings=GRPC_ADDRESS))
        folder = held.enter_context(_make_folder(http.workers))
        employer = _Gateway(settings, listener, reserved, Path(folder), has_tls=has_tls)
        status = await Supervisor(employer, http.workers, Pace(leave_s=_find_leave_s(settings.limits))).run()
    _log.info("stopped")
    return status


def _find_leave_s(limits: LimitSettings) -> float:
    """Seconds after which a worker that has been told to leave does so no more by itself."""
    return limits.drain_delay_s + limits.shutdown_grace_s + FAREWELL_S + _CLOSING_S


def _make_folder(workers: int) -> TemporaryDirectory[str]:
    """A folder with room for the metrics of so many workers.

    Raises:
        NoSharedFolderError: If there is none.
    """
    try:
        folder = TemporaryDirectory(prefix="digitcodec-")
        free_bytes = shutil.disk_usage(folder.name).free
    except OSError as error:
        raise NoSharedFolderError(f"{_FOLDER_NEEDED}: {error}; name one with TMPDIR") from error
    # The system kills a process that writes to a mapped file for which there is no room.
    if free_bytes < workers * _METRICS_BYTES:
        folder.cleanup()
        raise NoSharedFolderError(
            f"{_FOLDER_NEEDED}: {folder.name} has {free_bytes} bytes free, {workers * _METRICS_BYTES} are needed; "
            "name another with TMPDIR"
        )
    return folder


class _Gateway:
    """Starts workers over what it holds for them; implements `service.servers.workers.Employer`."""

    def __init__(
        self, settings: Settings, listener: socket.socket, reserved: socket.socket, folder: Path, *, has_tls: bool
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._reserved = reserved
        self._folder = folder
        self._url = find_url(listener, tls=has_tls)
        self._grpc_port: int = reserved.getsockname()[1]

    async def launch(self, birth: Birth) -> Process:
        """Start `python -m service --worker`, in a session of its own: a terminal's Ctrl-C is for the first process."""
        heritage = Heritage(
            number=birth.number,
            listener=self._listener.fileno(),
            lifeline=birth.lifeline,
            grpc_port=self._grpc_port,
            metrics=str(self._folder),
            is_first=birth.is_first,
            is_replacement=birth.is_replacement,
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "service", "--worker", heritage.to_argument()),
            pass_fds=(heritage.listener, heritage.lifeline),
            start_new_session=True,
        )
        _log.info("worker_started", worker=birth.number, pid=process.pid)
        return process

    def note_open(self) -> None:
        """The service answers from now on."""
        host = self._settings.grpc.host
        address = f"[{host}]:{self._grpc_port}" if ":" in host else f"{host}:{self._grpc_port}"
        workers = self._settings.http.workers
        _log.info("listening", url=self._url, docs=f"{self._url}/docs", grpc=address, workers=workers)

    def note_end(self, number: int) -> None:
        """What a worker has now is nothing; what it counted stays."""
        forget_worker(number, self._folder)

    def note_stop(self) -> None:
        """From now on the ports are the workers' alone, and are closed when the last of them closes them."""
        self._listener.close()
        self._reserved.close()


def become_worker(heritage: Heritage) -> None:
    """Follow the first process, whatever else is sent to all processes of a service; name the worker in log lines."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)

    def add_worker(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["worker"] = heritage.number
        return event

    structlog.configure(processors=[add_worker, *structlog.get_config()["processors"]])


async def serve_worker(settings: Settings, heritage: Heritage) -> None:
    """Answer on every door until the first process says otherwise or is gone; then finish what was admitted.

    The first worker of a service answers at once, so that probes are heard while it loads its model. Every other one
    is started after that, and opens its doors when it has the model: until then those that have it answer alone.

    Raises:
        UnusableCertificateError: If TLS is on and its files cannot be used.
    """
    certificate = load_certificate(settings.tls)
    page = SharedPage(heritage.number, Path(heritage.metrics), is_replacement=heritage.is_replacement)
    with socket.socket(fileno=heritage.listener) as listener:
        async with run_core(settings, page) as core:
            with closing(Lifeline(heritage.lifeline, partial(wait_for_model, core))) as lifeline:
                if heritage.is_first or await run_until_signal(_wait_for_turn(core, lifeline), (LEAVE,)):
                    http = build_gateway_http(core, listener, settings, certificate)
                    rpc = _build_rpc(core, settings, heritage.grpc_port, certificate)
                    async with page.keep_fresh():
                        farewell = plan_farewell(core, rpc, settings.limits)
                        keep_from_collector()
                        await serve_until_signal([http, rpc, lifeline], farewell, (LEAVE,))
                if lifeline.is_cut():  # nobody else will take it away
                    shutil.rmtree(heritage.metrics, ignore_errors=True)


def _build_rpc(core: Core, settings: Settings, port: int, certificate: ServerCertificate | None) -> RpcServer:
    """The gateway's gRPC door on the port that the first process holds."""
    rpc = build_gateway_rpc(core.context, settings.grpc, settings.limits.shutdown_grace_s, shares_port=True)
    rpc.bind(settings.grpc.host, port, settings=GRPC_ADDRESS, certificate=certificate, is_reserved=True)
    return rpc


async def _wait_for_turn(core: Core, lifeline: Lifeline) -> None:
    """Return once a version can answer, it has taken too long, or the first process is gone."""
    waits = [asyncio.create_task(wait_for_model(core)), asyncio.create_task(lifeline.wait_until_cut())]
    await asyncio.wait(waits, timeout=_MODEL_WAIT_S, return_when=asyncio.FIRST_COMPLETED)
    for each in waits:
        each.cancel()
    await asyncio.wait(waits)
