"""Ray for one job: started here, quiet and alone, or met at an address; counts the workers that have room."""

import logging
import os
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from service.backends.embedded.quiet import held_back_stderr
from service.bulk.errors import UsageError

# Shards and tallies pass through it; none is larger than some megabytes.
_OBJECT_STORE_BYTES = 512 * 2**20

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent to anybody
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # its notices pass every logger; what fails reaches us as an exception
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # without it, a tip on GPUs for every process
    "RAY_DEDUP_LOGS": "0",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    # Several workers may share one GPU.
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}


# For a Ray of the job's own: on loopback alone, which Ray has no kinder word for, with a token that nobody else has.
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the job runs, and on how much of it.

    Attributes:
        address: Of a Ray cluster, `auto` for the one of this machine; None starts one here for the job.
        workers: Processes that hold the model; None for one for each processor, or as many as the GPUs can take.
        gpus_per_worker: What each takes of a GPU; 0 keeps it on the processor.
    """

    address: str | None = None
    workers: int | None = None
    gpus_per_worker: float = 0.0


@contextmanager
def running_ray(cluster: Cluster) -> Iterator[int]:
    """Ray for as long as the block lasts; how many workers there will be. SIGTERM is as Ctrl-C from then on.

    Raises:
        UsageError: If the cluster cannot be reached, or has no room for a worker.
    """
    wanted = _QUIET if cluster.address else {**_QUIET, **_ALONE, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
    import ray

    failure = _start(ray.init, _find_arguments(cluster))
    if failure is not None:
        raise UsageError(f"no Ray at {cluster.address or 'this machine'}: {_find_first_line(failure)}") from failure
    # Ray's own handler, and that of its C++, write a trace of the stack and end with 15.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield count_workers(cluster, ray.cluster_resources())
    finally:
        ray.shutdown()


def _start(init: Callable[..., Any], arguments: dict[str, Any]) -> Exception | None:
    """Start Ray, or connect to it; why that failed. What its C++ writes meanwhile is left out: the error says it."""
    with held_back_stderr():
        try:
            init(**arguments, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:  # noqa: BLE001 - plain ones too, where a daemon does not come up in time
            return error
    return None


def _find_arguments(cluster: Cluster) -> dict[str, Any]:
    if cluster.address is not None:
        return {"address": cluster.address}
    # Processors are what a worker takes one of; with GPUs they are for reading.
    processors = None if cluster.gpus_per_worker else cluster.workers or len(os.sched_getaffinity(0))
    return {
        "address": "local",
        "num_cpus": processors,
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
    }


def count_workers(cluster: Cluster, resources: dict[str, float]) -> int:
    """As many as were asked for, which a cluster may grow for; on this machine no more than there is room for.

    Raises:
        UsageError: If there is room for none, which would keep the job waiting for ever.
    """
    if cluster.address and cluster.workers:
        return cluster.workers
    room = _count_room(resources, cluster.gpus_per_worker)
    return min(cluster.workers or room, room)


def _count_room(resources: dict[str, float], gpus_per_worker: float) -> int:
    kind, each = ("GPU", gpus_per_worker) if gpus_per_worker else ("CPU", 1)
    room = int(resources.get(kind, 0) / each)
    if room < 1:
        raise UsageError(f"a worker takes {each:g} {kind}, there are {resources.get(kind, 0):g}")
    return room


def _find_first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
