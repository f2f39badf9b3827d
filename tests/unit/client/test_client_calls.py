"""What both clients answer over both protocols, from a gateway with a fake backend."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.client_gateway import ClientGateway, Driven, Kind, Protocol, driving, open_client_gateway
from support.fakes import (
    CODE_DIM,
    FakeBackend,
    count_images,
    fake_codes,
    fake_errors,
    fake_pictures,
    fake_reconstructions,
    fake_scores,
)

from service.client import Model
from service.domain import Answer, Call, Deadline, Origin, Rows
from service.images import render_npy, render_png
from service.settings import GrpcSettings

IMAGES = count_images(70)
"""More rows than scores travel in headers for."""


async def test_encode_gives_codes(client: Driven) -> None:
    """As the model made them, with its name and version."""
    answer = await client.call("encode", IMAGES)

    assert (Model("digits", 1), np.float32, 70) == (answer.model, answer.codes.dtype, len(answer))
    np.testing.assert_array_equal(fake_codes(IMAGES), answer.codes)


async def test_decode_gives_pictures(client: Driven) -> None:
    """Of an array of codes."""
    codes = fake_codes(IMAGES)
    answer = await client.call("decode", codes)

    assert (Model("digits", 1), 70) == (answer.model, len(answer))
    np.testing.assert_array_equal(fake_pictures(codes), answer.images)


@pytest.mark.parametrize("rows", [1, 64, 70])
async def test_reconstruct_gives_pictures_and_verdicts(client: Driven, rows: int) -> None:
    """The same numbers to the last bit, however they travel."""
    images = IMAGES[:rows]
    answer = await client.call("reconstruct", images, threshold=0.05)

    assert (Model("digits", 1), rows) == (answer.model, len(answer))
    np.testing.assert_array_equal(fake_reconstructions(images), answer.reconstructions)
    np.testing.assert_array_equal(fake_errors(images), answer.errors)
    np.testing.assert_array_equal(fake_scores(images), answer.anomaly_scores)
    np.testing.assert_array_equal(fake_scores(images) > np.float32(0.05), answer.anomalies)


async def test_score_gives_verdicts(client: Driven) -> None:
    """An image whose score is the threshold is no anomaly."""
    scores = fake_scores(IMAGES)
    answer = await client.call("score", IMAGES, threshold=float(scores[5]))

    np.testing.assert_array_equal(fake_errors(IMAGES), answer.errors)
    np.testing.assert_array_equal(scores, answer.anomaly_scores)
    np.testing.assert_array_equal(scores > scores[5], answer.anomalies)


async def test_every_kind_of_image_is_taken(client: Driven, tmp_path: Path) -> None:
    """Alone, and all of them in one list; one image is answered with one row."""
    image = IMAGES[3]
    path = tmp_path / "three.png"
    path.write_bytes(render_png(image))
    kinds = [str(path), path, path.read_bytes(), Image.open(path), image, image / 255, image[None], render_npy(image)]

    alone = [await client.call("encode", each) for each in kinds]
    together = await client.call("encode", kinds)

    expected = np.repeat(fake_codes(image[None]), len(kinds), axis=0)
    assert [(1, CODE_DIM)] * len(kinds) == [answer.codes.shape for answer in alone]
    np.testing.assert_array_equal(expected, np.concatenate([answer.codes for answer in alone]))
    np.testing.assert_array_equal(expected, together.codes)


async def test_mnist_makes_arrays_of_any_size_fit(client: Driven) -> None:
    """Dark on light, grey or coloured, 28x28 or larger, as the same picture in a file."""
    paper = np.full((90, 60), 240, np.uint8)
    paper[30:70, 28:36] = 20
    coloured = np.stack([paper] * 3, axis=2)
    kinds = [paper, coloured, Image.fromarray(paper), render_png(paper), paper.astype(np.float64) / 255]

    answer = await client.call("encode", kinds, preprocess="mnist")
    inverted = await client.call("encode", 255 - IMAGES[:1], preprocess="mnist")
    upright = await client.call("encode", IMAGES[:1], preprocess="mnist")

    np.testing.assert_array_equal(np.repeat(answer.codes[:1], len(kinds), axis=0), answer.codes)
    np.testing.assert_array_equal(upright.codes, inverted.codes)


async def test_large_calls_are_cut_and_joined(kind: Kind, protocol: Protocol, gateway: ClientGateway) -> None:
    """In order, in requests of no more rows than the client may send."""
    async with driving(kind, gateway.urls[protocol], max_rows=30) as client:
        answer = await client.call("reconstruct", [*IMAGES[:5], IMAGES[5:]])
        pictures = await client.call("decode", fake_codes(IMAGES))

    np.testing.assert_array_equal(fake_reconstructions(IMAGES), answer.reconstructions)
    np.testing.assert_array_equal(fake_pictures(fake_codes(IMAGES)), pictures.images)
    assert [30, 30, 10, 30, 30, 10] == gateway.backend.batch_sizes


async def test_requests_that_are_too_large_are_halved(kind: Kind, protocol: Protocol) -> None:
    """Until the service takes them."""
    async with open_client_gateway(max_rows=20) as gateway, driving(kind, gateway.urls[protocol]) as client:
        answer = await client.call("encode", IMAGES)

    np.testing.assert_array_equal(fake_codes(IMAGES), answer.codes)
    assert [17, 18, 17, 18] == gateway.backend.batch_sizes


async def test_requests_of_too_many_bytes_are_halved(kind: Kind, protocol: Protocol) -> None:
    """Of HTTP and of gRPC, which says it in its own words."""
    opening = open_client_gateway(max_body_bytes=20_000, rpc=GrpcSettings(port=0, max_message_bytes=20_000))
    async with opening as gateway, driving(kind, gateway.urls[protocol]) as client:
        answer = await client.call("encode", IMAGES)

    np.testing.assert_array_equal(fake_codes(IMAGES), answer.codes)
    assert [17, 18, 17, 18] == gateway.backend.batch_sizes


class _Renewed(FakeBackend):
    """Has a newer version after every batch."""

    async def run(self, call: Call, rows: Rows, deadline: Deadline, origins: Sequence[Origin] = ()) -> Answer:
        answer = await super().run(call, rows, deadline, origins)
        self.versions.append(max(self.versions) + 1)
        return answer


async def test_one_version_answers_a_call(kind: Kind, protocol: Protocol) -> None:
    """Also where it takes several requests, and newer versions appear meanwhile; codes go back to their version."""
    backend = _Renewed()
    async with open_client_gateway(backend) as gateway, driving(kind, gateway.urls[protocol], max_rows=30) as client:
        codes = await client.call("encode", IMAGES)
        pictures = await client.call("decode", codes)
        newest = await client.call("decode", codes.codes)

    assert [None, 1, 1, 1, 1, 1, None, 7, 7] == [call.selector.version for call, _ in backend.batches]
    assert [1, 1, 7] == [codes.model.version, pictures.model.version, newest.model.version]


async def test_version_and_label_choose(kind: Kind, protocol: Protocol) -> None:
    """At most one of them."""
    backend = FakeBackend(1, 2, labels={"stable": 1})
    async with open_client_gateway(backend) as gateway, driving(kind, gateway.urls[protocol]) as client:
        answers = [await client.call("score", IMAGES[:1], **chosen) for chosen in ({}, {"label": "stable"})]
        with pytest.raises(ValueError, match="at most one"):
            await client.call("score", IMAGES[:1], version=1, label="stable")

    assert [2, 1] == [answer.model.version for answer in answers]


async def test_models_are_listed(client: Driven) -> None:
    """The model, not what other protocols call its signatures."""
    (model,) = await client.call("models")
    (version,) = model.versions

    assert ("digits", True, 1, "AVAILABLE", "") == (
        model.name,
        model.is_ready,
        version.version,
        version.state,
        version.error,
    )


async def test_readiness_is_told(client: Driven, gateway: ClientGateway) -> None:
    """Both ways."""
    before = await client.call("is_ready")
    gateway.backend.versions.clear()

    assert (True, False) == (before, await client.call("is_ready"))


async def test_nobody_there_is_not_ready(kind: Kind, protocol: Protocol) -> None:
    """A port at which nobody listens any more."""
    async with open_client_gateway() as gateway:
        urls = gateway.urls
    async with driving(kind, urls[protocol]) as client:
        assert not await client.call("is_ready")
