"""The four operations over gRPC: the numbers of the core, from files and from packed rows."""

from typing import Any

import numpy as np
import pytest
from support.fakes import (
    CODE_DIM,
    HeldBackend,
    count_images,
    fake_codes,
    fake_errors,
    fake_pictures,
    fake_reconstructions,
    fake_scores,
)
from support.http_door import LineLog
from support.pictures import encode

from service.domain import Origin
from service.images import render_png
from service.wire import codec_pb2 as pb

IMAGES = count_images(3)
PACKED = pb.Images(packed=IMAGES.tobytes())
FILES = pb.Images(files=pb.EncodedFiles(files=[render_png(image) for image in IMAGES]))
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def read_codes(codes: pb.Codes) -> Any:
    """Packed codes as an array."""
    return np.frombuffer(codes.packed, "<f4").reshape(-1, codes.code_dim)


@pytest.mark.parametrize("images", [PACKED, FILES], ids=["packed", "files"])
async def test_encode_answers_the_codes_of_the_core(stub: Any, images: pb.Images) -> None:
    """Row i is the code of image i; the newest version answers and says so."""
    answer = await stub.Encode(pb.EncodeRequest(images=images))

    assert ("digits", 2) == (answer.model.name, answer.model.version)
    assert np.array_equal(fake_codes(IMAGES), read_codes(answer.codes))


async def test_decode_answers_pictures(stub: Any) -> None:
    """Rows of 784 bytes."""
    codes = fake_codes(IMAGES)
    answer = await stub.Decode(pb.DecodeRequest(codes=pb.Codes(packed=codes.tobytes(), code_dim=CODE_DIM)))

    assert fake_pictures(codes).tobytes() == answer.images


async def test_reconstruct_answers_pictures_and_verdicts(stub: Any) -> None:
    """The threshold of the request decides what is an anomaly."""
    threshold = float(np.median(fake_scores(IMAGES)))
    answer = await stub.Reconstruct(pb.ReconstructRequest(images=PACKED, threshold=threshold))

    assert fake_reconstructions(IMAGES).tobytes() == answer.reconstructions
    assert fake_errors(IMAGES).tolist() == list(answer.verdicts.errors)
    assert fake_scores(IMAGES).tolist() == list(answer.verdicts.anomaly_scores)
    assert (fake_scores(IMAGES) > np.float32(threshold)).tolist() == list(answer.verdicts.anomalies)


async def test_score_asks_for_no_pictures(stub: Any, backend: HeldBackend) -> None:
    """The cheap operation has the numbers of the dear one."""
    answer = await stub.Score(pb.ScoreRequest(images=PACKED))

    assert ("errors", "anomaly_scores") == backend.batches[0][0].outputs
    assert fake_scores(IMAGES).tolist() == list(answer.verdicts.anomaly_scores)


@pytest.mark.parametrize(
    ("selector", "version"),
    [(pb.ModelSelector(), 2), (pb.ModelSelector(version=1), 1), (pb.ModelSelector(label="stable"), 1)],
)
async def test_selector_chooses_the_version(stub: Any, selector: pb.ModelSelector, version: int) -> None:
    """By number, by label, or the newest."""
    answer = await stub.Encode(pb.EncodeRequest(model=selector, images=PACKED))

    assert version == answer.model.version


async def test_mnist_takes_crops_of_any_size(stub: Any) -> None:
    """A 60x40 picture is refused as it is, and taken with preprocess."""
    crop = np.zeros((60, 40), np.uint8)
    crop[10:50, 18:22] = 255
    images = pb.Images(files=pb.EncodedFiles(files=[encode(crop, "PNG")]))
    answer = await stub.Encode(pb.EncodeRequest(images=images, preprocess=pb.PREPROCESS_MNIST))

    assert 1 == len(read_codes(answer.codes))


async def test_large_requests_come_back_whole_and_in_order(stub: Any) -> None:
    """4,096 rows travel on the bulk executor and in several batches."""
    images = count_images(4096)
    answer = await stub.Reconstruct(pb.ReconstructRequest(images=pb.Images(packed=images.tobytes())))

    assert fake_reconstructions(images).tobytes() == answer.reconstructions


async def test_request_id_comes_back_and_goes_on(stub: Any, backend: HeldBackend, log: LineLog) -> None:
    """The caller's id and trace reach the backend, the log and the answer; the line names door and operation."""
    call = stub.Score(pb.ScoreRequest(images=PACKED), metadata=(("x-request-id", "mine"), ("traceparent", TRACE)))
    await call
    fields = log.lines[0][2]

    assert ("x-request-id", "mine") in tuple(await call.trailing_metadata())
    assert [Origin("mine", TRACE, "127.0.0.1")] == list(backend.origins[0])
    shown = [fields[name] for name in ("door", "operation", "status", "rows", "version", "request_id")]
    assert ["grpc", "score", "OK", 3, 2, "mine"] == shown


async def test_strange_request_id_is_replaced(stub: Any, backend: HeldBackend) -> None:
    """What is no plain word, and what is no trace, goes nowhere."""
    await stub.Score(pb.ScoreRequest(images=PACKED), metadata=(("x-request-id", "a b"), ("traceparent", "x")))
    (origin,) = backend.origins[0]

    assert origin.request_id not in {"", "a b"}
    assert origin.traceparent is None
