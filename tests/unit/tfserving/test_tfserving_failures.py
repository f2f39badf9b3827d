"""The one table: what each status of a model server means to the callers."""

import pytest
from grpc import StatusCode
from support.serving_peer import ServingPeer, encode, until

from service.backends.tfserving import TFServingBackend
from service.backends.tfserving.failures import cut
from service.domain import NEWEST, Selector
from service.errors import (
    BackendContractError,
    BackendError,
    DeadlineExceededError,
    DigitCodecError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
)

QUEUE_FULL = "The batch scheduling queue to which this task was submitted is full"


@pytest.mark.parametrize(
    ("code", "text", "error"),
    [
        (StatusCode.UNAVAILABLE, "", NotReadyError),
        (StatusCode.UNAVAILABLE, QUEUE_FULL, OverloadedError),
        (StatusCode.UNAVAILABLE, "Model labels does not init yet.", NotReadyError),
        (StatusCode.RESOURCE_EXHAUSTED, "", OverloadedError),
        (StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max (9 vs. 4)", BackendError),
        (StatusCode.NOT_FOUND, "Servable not found for request: Specific(digits, 1)", NotFoundError),
        (StatusCode.INVALID_ARGUMENT, "Unrecognized servable version label: canary", NotFoundError),
        (StatusCode.INVALID_ARGUMENT, "input size does not match signature", BackendError),
        (StatusCode.DEADLINE_EXCEEDED, "", DeadlineExceededError),
        (StatusCode.CANCELLED, "", NotReadyError),
        (StatusCode.FAILED_PRECONDITION, 'Serving signature key "encode" not found.', BackendContractError),
        (StatusCode.UNIMPLEMENTED, "", BackendContractError),
        (StatusCode.INTERNAL, "the graph broke", BackendError),
        (StatusCode.UNKNOWN, "", BackendError),
        (StatusCode.PERMISSION_DENIED, "not you", BackendError),
    ],
)
async def test_status_becomes_one_error(
    peer: ServingPeer, backend: TFServingBackend, code: StatusCode, text: str, error: type[DigitCodecError]
) -> None:
    """The status decides, and where it says too little, the server's text."""
    peer.failures.extend([(code, text)] * 3)  # as often as an unavailable server is asked
    with pytest.raises(DigitCodecError) as caught:
        await encode(backend, Selector(version=1))

    assert error is type(caught.value)


async def test_long_texts_of_the_server_are_cut(peer: ServingPeer, backend: TFServingBackend) -> None:
    """A graph in the text reaches nobody."""
    peer.failures.append((StatusCode.INTERNAL, "node { }\n" * 500))
    with pytest.raises(BackendError) as caught:
        await encode(backend)

    assert len(caught.value.detail) < 300
    assert "\n" not in caught.value.detail


def test_cut_text_keeps_its_end() -> None:
    """The cause comes last in gRPC's, after all addresses."""
    tried = "; ".join(f"ipv4:10.0.0.{number}:8500: connection attempt timed out" for number in range(20))
    text = cut(f"failed to connect to all addresses; {tried}; last error: Connection refused (111)")

    assert text.startswith("failed to connect to all addresses; ")
    assert text.endswith("last error: Connection refused (111)")
    assert len(text) < 210


@pytest.mark.parametrize("selector", [NEWEST, Selector(version=1)])
async def test_version_that_is_loading_is_not_ready(
    peer: ServingPeer, backend: TFServingBackend, selector: Selector
) -> None:
    """The server says that there is no such version; the watch knows that it may come."""
    peer.states = {1: 20}
    await _wait_for_looks(peer, 2)
    with pytest.raises(NotReadyError):
        await encode(backend, selector)


async def test_full_queue_is_no_absent_server(peer: ServingPeer, backend: TFServingBackend) -> None:
    """A server that is busy stays ready."""
    peer.failures.extend([(StatusCode.UNAVAILABLE, QUEUE_FULL)] * 3)
    with pytest.raises(OverloadedError):
        await encode(backend)

    assert backend.is_ready()


async def _wait_for_looks(peer: ServingPeer, count: int) -> None:
    wanted = peer.looks + count
    await until(lambda: peer.looks >= wanted)
