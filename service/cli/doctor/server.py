"""Does a running service answer, and how quickly?"""

import statistics
import time
from argparse import Namespace
from collections.abc import Iterator

import numpy as np

from service.cli.addresses import find_advice, open_client
from service.cli.doctor.finding import Finding, ok
from service.cli.doctor.network import Way
from service.cli.errors import UsageError
from service.client import Client, ClientError, NotReadyError, Retries, ServedModel, UnreachableError
from service.client.address import Trust
from service.domain import IMAGE_SIDE

_CALLS = 5
_SLOW_MS = 250.0
_BLANK = np.zeros((1, IMAGE_SIDE, IMAGE_SIDE), np.uint8)


def look_at_server(options: Namespace, url: str) -> Iterator[Finding]:
    """The way to it, then what it answers; the first thing that is wrong is the last."""
    try:
        client = open_client(options, url, Retries(max_attempts=1))
        way = Way(url, Trust(options.ca_file, options.cert))
    except (UsageError, ValueError) as error:
        yield Finding("wrong", "address", str(error), "for example http://127.0.0.1:8000 or grpc://127.0.0.1:8001")
        return
    with client:
        for finding in way.look():
            yield finding
            if finding.level == "wrong":
                return
        yield from _ask(client, url)


def _ask(client: Client, url: str) -> Iterator[Finding]:
    try:
        model = client.encode(_BLANK).model  # what says why it is not ready, over either protocol
        yield ok("readiness", f"answers with version {model.version} of {model.name}")
        for served in client.models():
            yield from _look_at_versions(served)
        yield _measure(client)
    except ClientError as error:
        error.rows = None  # of a request that nobody made
        yield Finding("wrong", "readiness", str(error), _advise(error, url))


def _advise(error: ClientError, url: str) -> str:
    if isinstance(error, UnreachableError):
        return "it listens, but does not speak this protocol: TLS or none, HTTP (8000) or gRPC (8001)?"
    if isinstance(error, NotReadyError):
        return "wait while it loads or drains; its log says more"
    return find_advice(error, url)


def _look_at_versions(served: ServedModel) -> Iterator[Finding]:
    for version in served.versions:
        area = f"version {version.version}"
        labels = f", labels {', '.join(version.labels)}" if version.labels else ""
        if version.error:
            yield Finding("warning", area, f"{version.state}: {version.error}", "remove it, or publish it again")
        else:
            yield ok(area, f"{version.state}{labels}")


def _measure(client: Client) -> Finding:
    """One image at a time, as from one caller."""
    took_ms = []
    for _ in range(_CALLS):
        began_s = time.perf_counter()
        client.score(_BLANK)
        took_ms.append((time.perf_counter() - began_s) * 1e3)
    told = f"one image takes {statistics.median(took_ms):.1f} ms there and back"
    if statistics.median(took_ms) > _SLOW_MS:
        return Finding("warning", "latency", told, "it is busy, or far away: send many images in one request")
    return ok("latency", told)
