"""SIGTERM under load in short, on gateways before one model server."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.running import RunningService, behind
from bench.soak.drain.__main__ import drain
from bench.soak.drain.round import DrainPlan

pytestmark = pytest.mark.tensorflow


def test_no_request_is_lost_when_the_service_stops(model_server: RunningService, digits: NDArray[np.uint8]) -> None:
    """Twice: every request that was sent has a whole answer, and the process ends with 0 in its grace."""
    plan = DrainPlan(rounds=2, settings=behind(model_server.grpc))

    assert [[], []] == [each.find_faults(plan) for each in drain(plan, digits)]
