"""What the backend sends and what it makes of the answer, over a real socket."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.fakes import CODE_DIM, count_images, fake_codes, fake_pictures, fake_reconstructions, fake_scores
from support.serving_peer import ServingPeer, encode, open_backend, until

from service.backends.contract import DECODE, ENCODE, RECONSTRUCT, SCORE, WANTED, check_answer
from service.backends.tfserving import TFServingBackend
from service.domain import NEWEST, Call, Deadline, Origin, Selector
from service.errors import BackendContractError, BackendError, InvalidCodeError, NotFoundError
from service.wire.tensors import parse_tensor, render_tensor

FAR = Deadline.after(600)


@pytest.mark.parametrize("is_packed", [True, False])
@pytest.mark.parametrize(("signature", "outputs"), WANTED)
async def test_answers_exactly_what_is_wanted(
    peer: ServingPeer, backend: TFServingBackend, signature: str, outputs: tuple[str, ...], *, is_packed: bool
) -> None:
    """Every call of the codec is answered within contract one, however the server writes its tensors."""
    peer.is_packed = is_packed
    rows = np.full((3, CODE_DIM), 0.5, np.float32) if signature == "decode" else count_images(3)
    call = Call(signature, outputs)  # type: ignore[arg-type]  # a parametrized string
    answer = await backend.run(call, rows, FAR)

    check_answer(call, 3, answer)
    assert set(outputs) == set(answer.outputs)
    assert 2 == answer.version


async def test_numbers_arrive_unchanged(backend: TFServingBackend) -> None:
    """What the server computed is what the caller gets."""
    images, codes = count_images(2), np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)
    looked_at = (await backend.run(Call("reconstruct", RECONSTRUCT), images, FAR)).outputs
    decoded = (await backend.run(Call("decode", DECODE), codes, FAR)).outputs

    assert np.array_equal(fake_reconstructions(images), looked_at["reconstructions"])
    assert np.array_equal(fake_scores(images), looked_at["anomaly_scores"])
    assert np.array_equal(fake_pictures(codes), decoded["images"])
    assert np.array_equal(fake_codes(images), (await encode(backend, images=images)).outputs["codes"])


async def test_asks_for_no_more_than_is_wanted(peer: ServingPeer, backend: TFServingBackend) -> None:
    """A score makes the server send no pictures."""
    images = count_images(1)
    await backend.run(Call("reconstruct", SCORE), images, FAR)

    request = peer.heard[-1].request
    assert ("digits", "reconstruct") == (request.model_spec.name, request.model_spec.signature_name)
    assert list(SCORE) == list(request.output_filter)
    assert images.tobytes() == request.inputs["images"].tensor_content


@pytest.mark.parametrize(
    ("selector", "version", "on_wire"),
    [
        (NEWEST, 2, None),
        (Selector(version=1), 1, "version"),
        (Selector(label="stable"), 1, "version"),
        (Selector(label="canary"), 2, "version_label"),
    ],
)
async def test_selector_chooses_the_version(
    peer: ServingPeer, backend: TFServingBackend, selector: Selector, version: int, on_wire: str | None
) -> None:
    """Our own labels become numbers; others, and the choice of the newest, are left to the server."""
    peer.labels = {"canary": 2}
    answer = await encode(backend, selector)

    assert version == answer.version
    assert on_wire == peer.heard[-1].request.model_spec.WhichOneof("version_choice")


@pytest.mark.parametrize("selector", [Selector(version=9), Selector(label="unknown")])
async def test_unknown_version_is_not_found(backend: TFServingBackend, selector: Selector) -> None:
    """Asking for what is not there is told."""
    with pytest.raises(NotFoundError):
        await encode(backend, selector)


async def test_server_learns_whose_rows_are_in_the_batch(peer: ServingPeer, backend: TFServingBackend) -> None:
    """Each request id once, at most 16, and the first trace; nothing that HTTP/2 forbids."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    origins = [Origin(), Origin("a"), Origin("b", trace), Origin("a"), Origin("line\nbreak"), Origin("c", "00-later")]
    await backend.run(Call("encode", ENCODE), count_images(1), FAR, [*origins, *(Origin(f"{n}") for n in range(20))])

    sent = peer.heard[-1].metadata
    ids = [value for key, value in sent if key == "x-request-id"]
    assert ["a", "b", "c", *(f"{n}" for n in range(13))] == ids
    assert [trace] == [value for key, value in sent if key == "traceparent"]


async def test_codes_of_another_width_never_reach_the_server(peer: ServingPeer, backend: TFServingBackend) -> None:
    """The server might put them into one batch with good ones."""
    with pytest.raises(InvalidCodeError, match=f"width 5 came, this model's are {CODE_DIM} wide"):
        await backend.run(Call("decode", DECODE), np.zeros((1, 5), np.float32), FAR)

    assert not peer.heard


async def test_server_refuses_codes_where_the_width_is_unknown(peer: ServingPeer, backend: TFServingBackend) -> None:
    """Behind a label of the server's own it is the server that knows the width."""
    peer.labels = {"canary": 2}
    call = Call("decode", DECODE, Selector(label="canary"))
    with pytest.raises(InvalidCodeError, match="size-incompatible"):
        await backend.run(call, np.zeros((1, 5), np.float32), FAR)


async def test_codes_of_a_version_that_has_just_taken_over_are_welcome(peer: ServingPeer) -> None:
    """Between two looks the newest version may have changed its width: before refusing, the backend looks."""
    peer.code_dims = {1: 7}
    peer.states = {1: 30}
    async with open_backend(peer.target, poll_interval_s=600) as backend:
        await until(backend.is_ready)
        peer.states[2] = 30
        answer = await backend.run(Call("decode", DECODE), np.zeros((1, CODE_DIM), np.float32), FAR)

    assert 2 == answer.version


def _forget_version(response: Any) -> None:
    response.model_spec.ClearField("version")


def _answer_for_another(response: Any) -> None:
    response.model_spec.version.value = 2


def _cut_tensor(response: Any) -> None:
    response.outputs["codes"].tensor_content = b"123"


def _claim_huge_shape(response: Any) -> None:
    codes = response.outputs["codes"]
    codes.tensor_content = b""
    for size in (0, 2**62, 2**62):
        codes.tensor_shape.dim.add(size=size)


def _use_unknown_type(response: Any) -> None:
    response.outputs["codes"].dtype = 20  # DT_RESOURCE


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_forget_version, "does not say which version"),
        (_answer_for_another, "version 2 answered, version 1 was asked for"),
        (_cut_tensor, "encode.codes is malformed: 3 bytes"),
        (_claim_huge_shape, "encode.codes is malformed"),
        (_use_unknown_type, "data type 20"),
    ],
)
async def test_answer_outside_the_contract_is_named(
    peer: ServingPeer, backend: TFServingBackend, spoil: Callable[[Any], None], told: str
) -> None:
    """Nobody gets rows that the server did not vouch for."""
    peer.spoil_reply = spoil
    with pytest.raises(BackendContractError, match=told):
        await encode(backend, Selector(version=1))


def _widen(response: Any) -> None:
    rows = parse_tensor(response.outputs["codes"])
    response.outputs["codes"].CopyFrom(render_tensor(rows[:, :, np.newaxis]))


def _divide_by_zero(response: Any) -> None:
    rows = np.full_like(parse_tensor(response.outputs["codes"]), np.nan)
    response.outputs["codes"].CopyFrom(render_tensor(rows))


@pytest.mark.parametrize("spoil", [_widen, _divide_by_zero, lambda response: response.outputs.clear()])
async def test_well_formed_tensors_are_left_to_the_contract_check(
    peer: ServingPeer, backend: TFServingBackend, spoil: Callable[[Any], None]
) -> None:
    """Shape, values and completeness are judged once, by `check_answer`."""
    peer.spoil_reply = spoil
    answer = await encode(backend)

    with pytest.raises(BackendContractError):
        check_answer(Call("encode", ENCODE), 1, answer)


async def test_answer_larger_than_allowed_names_the_setting(peer: ServingPeer) -> None:
    """It is neither the caller's fault nor an overload."""
    async with open_backend(peer.target, max_message_bytes=1000) as backend:
        with pytest.raises(BackendError, match="DIGITCODEC_BACKEND__MAX_MESSAGE_BYTES"):
            await encode(backend, images=count_images(100))


async def test_server_that_speaks_something_else_is_named(peer: ServingPeer, backend: TFServingBackend) -> None:
    """Bytes that are no message break the contract, and nothing else."""
    peer.speaks_nonsense = True
    with pytest.raises(BackendContractError, match="answer to Predict is no Predict message"):
        await encode(backend)
    await until(lambda: not backend.is_ready())


async def test_deadline_travels_with_the_call(peer: ServingPeer, backend: TFServingBackend) -> None:
    """The server knows how long the answer is wanted."""
    await encode(backend, timeout_s=5)

    assert 4 < peer.heard[-1].remaining_s < 5.1


async def test_cancelling_a_batch_cancels_it_on_the_server(peer: ServingPeer, backend: TFServingBackend) -> None:
    """Nobody computes what nobody wants."""
    peer.gate.clear()
    task = asyncio.create_task(encode(backend))
    await asyncio.wait_for(peer.entered.wait(), 10)
    task.cancel()
    await asyncio.wait_for(peer.cancelled.wait(), 10)

    with pytest.raises(asyncio.CancelledError):
        await task
