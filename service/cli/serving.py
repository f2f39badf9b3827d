"""`digitcodec serve` and `model-server`: until told to stop; also what the first process of several starts."""

from argparse import Namespace

import uvloop

from service.app import serve_gateway, serve_model
from service.cli.errors import OK, UsageError
from service.cli.settings import read_settings
from service.observability.logs import configure_logs
from service.servers import Heritage
from service.settings import Settings
from service.startup import CannotStartError
from service.workers import become_worker, serve_worker, serve_workers


def run(options: Namespace) -> int:
    """Serve until told to stop.

    Returns:
        0 after a clean stop; 1 if its workers kept dying.

    Raises:
        UsageError: If the service cannot start as it is configured.
    """
    settings = read_settings()
    configure_logs(settings.observability)
    heritage = None if options.worker is None else Heritage.from_argument(options.worker)
    try:
        status: int = uvloop.run(_serve(options.command, settings, heritage))
    except CannotStartError as error:
        raise UsageError(str(error)) from error
    return status


async def _serve(command: str | None, settings: Settings, heritage: Heritage | None) -> int:
    """Do what was asked for; returns the exit status."""
    if heritage is not None:
        become_worker(heritage)
        await serve_worker(settings, heritage)
    elif command == "model-server":
        await serve_model(settings)
    elif settings.http.workers > 1:
        return await serve_workers(settings)
    else:
        await serve_gateway(settings)
    return OK
