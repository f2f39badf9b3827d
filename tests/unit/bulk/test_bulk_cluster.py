"""A job has as many workers as were asked for and have room."""

import pytest

from service.bulk.cluster import Cluster, count_workers
from service.bulk.errors import UsageError

_HERE = {"CPU": 4.0, "GPU": 1.0}


@pytest.mark.parametrize(
    ("cluster", "workers"),
    [
        (Cluster(), 4),
        (Cluster(workers=2), 2),
        (Cluster(gpus_per_worker=0.5), 2),
        (Cluster(workers=3, gpus_per_worker=0.5), 2),
        (Cluster("auto", workers=9, gpus_per_worker=1), 9),
    ],
)
def test_there_are_no_more_workers_than_have_room(cluster: Cluster, workers: int) -> None:
    """Only a cluster may grow."""
    assert workers == count_workers(cluster, _HERE)


@pytest.mark.parametrize("cluster", [Cluster(workers=1, gpus_per_worker=2), Cluster("auto", gpus_per_worker=2)])
def test_a_worker_without_room_is_refused(cluster: Cluster) -> None:
    """Ray would wait for it without an end."""
    with pytest.raises(UsageError, match="a worker takes 2 GPU, there are 1"):
        count_workers(cluster, _HERE)
