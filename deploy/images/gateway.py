"""The gateway's image at work: answers, health, and what becomes of requests when it is stopped."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import numpy as np
import uvloop

from bench.doors import Reconstruction, open_doors
from bench.load.catalogue import build_catalogue
from bench.load.digits import learn_answers
from bench.running import RunningService, behind, running_service
from bench.soak.drain.ledger import End
from bench.soak.drain.round import DrainPlan, run_round
from deploy.images.containers import Container
from deploy.images.failures import CheckFailedError, expect
from deploy.images.storage import CommandFailedError
from service.domain import Images

_SAMPLES = {"seven": False, "scribble": True}
_SERVER_DOOR, _IMAGES = "TF Serving gRPC", 96
_PLAN = DrainPlan(rounds=1, delay_s=1.0, grace_s=6.0)
_HEALTH = ("python3", "/opt/health.py")
# Places of the container, not of this machine.
_SEALED, _WRITABLE = ("/srv", "/opt/digitcodec", "/var/tmp", "/run"), "/tmp"  # noqa: S108


def check_sealed(container: Container) -> Iterator[str]:
    """The root file system takes no writes, and /tmp does.

    Raises:
        CheckFailedError: If it is otherwise.
    """
    writable = [place for place in (*_SEALED, _WRITABLE) if _can_write(container, place)]
    expect([_WRITABLE], writable, "places that can be written")
    yield f"nothing but {_WRITABLE} can be written"


def _can_write(container: Container, place: str) -> bool:
    # The test itself leaves nothing behind: a file without a name.
    code = f"import tempfile; tempfile.TemporaryFile(dir={place!r}).close()"
    try:
        container.run("python3", "-c", code)
    except CommandFailedError:
        return False
    return True


def check_answers(container: Container, server: RunningService, images: Images) -> Iterator[str]:
    """Every door answers what the model server itself says; pictures are read, and the health check agrees.

    Raises:
        CheckFailedError: If it is otherwise.
    """
    with running_service(behind(server.grpc), python=container.write_python()) as gateway:
        expect([], container.list_written(), "files in /tmp of one process")
        _compare(gateway, server, images)
        verdicts = {name: _is_anomaly(gateway, name) for name in _SAMPLES}
        expect(_SAMPLES, verdicts, "verdicts over the samples")
        port = httpx.URL(gateway.url).port
        container.run(*_HEALTH, environment={"DIGITCODEC_HTTP__PORT": str(port)})
    yield f"every door answers {len(images)} digits as the model server does, to the last bit; the health check says 0"
    if _is_healthy(container, str(port)):
        raise CheckFailedError("the health check says that a gateway that was stopped is healthy")


def _compare(gateway: RunningService, server: RunningService, images: Images) -> None:
    with open_doors(server) as server_doors, open_doors(gateway) as doors:
        codes, wanted = server_doors[_SERVER_DOOR].encode(images), server_doors[_SERVER_DOOR].reconstruct(images)
        for name, door in doors.items():
            seen = door.reconstruct(images)
            if not np.array_equal(codes, door.encode(images)) or not _is_same(wanted, seen):
                raise CheckFailedError(f"{name} answers otherwise than the model server does")


def _is_same(one: Reconstruction, other: Reconstruction) -> bool:
    names = ("pictures", "errors", "anomaly_scores")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def _is_anomaly(gateway: RunningService, sample: str) -> bool:
    picture = Path(f"docs/samples/{sample}.png").read_bytes()
    answer = httpx.post(f"{gateway.url}/score", content=picture, headers={"Content-Type": "image/png"})
    (verdict,) = answer.raise_for_status().json()["anomalies"]
    return bool(verdict)


def _is_healthy(container: Container, port: str) -> bool:
    try:
        container.run(*_HEALTH, environment={"DIGITCODEC_HTTP__PORT": port})
    except CommandFailedError:
        return False
    return True


def check_stop(
    container: Container, settings: Mapping[str, str], images: Images, *, is_init: bool = False
) -> Iterator[str]:
    """SIGTERM under full load: what was admitted is answered, and the exit status is 0.

    Raises:
        CheckFailedError: If a request was lost, or the process ended otherwise.
    """
    chosen = {**_PLAN.list_settings(), **settings}
    with running_service(chosen, python=container.write_python(is_init=is_init)) as service:
        catalogue = build_catalogue(learn_answers(service, images[:_IMAGES]), 1, (1, 8, 64))
        result = uvloop.run(run_round(service, catalogue, _PLAN))
    faults = result.find_faults(_PLAN)
    if faults:
        raise CheckFailedError("; ".join([*faults, *result.ledger.texts]))
    expect([], container.list_written(), "files in /tmp after the stop")
    sent, right = result.ledger.sent.total(), result.ledger.count(End.RIGHT)
    yield f"SIGTERM: {sent} requests sent, {right} answered, none lost, status 0 after {result.seconds:.1f} s"
