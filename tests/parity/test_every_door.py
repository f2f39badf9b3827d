"""The same digits through every door of a gateway, on both backends: the same numbers."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.doors import DoorClient, Reconstruction, open_doors
from bench.running import RunningService
from bench.sameness import are_close, are_same

pytestmark = pytest.mark.tensorflow

BACKENDS = ("embedded", "tfserving")
DOORS = (
    "HTTP",
    "gRPC unary",
    "gRPC stream",
    "OIP REST, JSON",
    "OIP REST, binary",
    "OIP gRPC",
    "TF Serving REST, rows",
    "TF Serving REST, columns",
    "TF Serving gRPC",
)


@pytest.fixture(scope="module")
def doors(service: RunningService, thin_service: RunningService) -> Iterator[dict[str, dict[str, DoorClient]]]:
    """Clients of all doors of the two gateways, by backend and door."""
    with open_doors(service) as embedded, open_doors(thin_service) as tfserving:
        yield {"embedded": embedded, "tfserving": tfserving}


@pytest.fixture(scope="module")
def expected(doors: dict[str, dict[str, DoorClient]], digits: NDArray[np.uint8]) -> Reconstruction:
    """What our own HTTP door over the embedded backend says; another test holds that against the SavedModel."""
    return doors["embedded"]["HTTP"].reconstruct(digits)


@pytest.fixture(scope="module")
def expected_codes(doors: dict[str, dict[str, DoorClient]], digits: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The codes from there."""
    return doors["embedded"]["HTTP"].encode(digits)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("door", DOORS)
def test_pixels_and_scores_are_equal(
    doors: dict[str, dict[str, DoorClient]],
    digits: NDArray[np.uint8],
    expected: Reconstruction,
    backend: str,
    door: str,
) -> None:
    """To the last bit where the processor can, whichever way the digits came and went."""
    answer = doors[backend][door].reconstruct(digits)

    assert are_same("reconstructions", expected.pictures, answer.pictures)
    assert are_same("errors", expected.errors, answer.errors)
    assert are_same("anomaly_scores", expected.anomaly_scores, answer.anomaly_scores)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("door", DOORS)
def test_codes_are_equal_and_decode_to_the_same_pixels(
    doors: dict[str, dict[str, DoorClient]],
    digits: NDArray[np.uint8],
    expected_codes: NDArray[np.float32],
    backend: str,
    door: str,
) -> None:
    """Within the tolerance of the processor; the same codes decode to the same pixels."""
    client = doors[backend][door]
    codes = client.encode(digits)

    assert codes.dtype == np.float32
    assert are_close("codes", expected_codes, codes)
    assert are_same("images", doors["embedded"]["HTTP"].decode(expected_codes), client.decode(expected_codes))


def test_no_door_was_forgotten(doors: dict[str, dict[str, DoorClient]]) -> None:
    """A new door joins the tests above."""
    assert [set(DOORS)] * 2 == [set(clients) for clients in doors.values()]
