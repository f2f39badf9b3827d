"""Digits from harsh real life through a running service: scored like clean ones, and alike over both doors."""

import grpc
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from bench.real_life.measure import ask_for_files, ask_for_images, count_refused, find_accuracy
from bench.real_life.scenes import draw_scene
from bench.running import RunningService
from service.images.normalise import normalise
from service.wire import codec_pb2 as pb
from service.wire import codec_pb2_grpc
from training.data.load import load_data

pytestmark = pytest.mark.tensorflow

COUNT, KNOWN = 60, 700


def place(digits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Digits as MNIST has them: fitted in 20x20 and centred by mass."""
    return np.stack([normalise(digit) for digit in digits])


@pytest.fixture(scope="module")
def files(digits: NDArray[np.uint8]) -> list[bytes]:
    """Scenes of the first digits."""
    return [draw_scene(digit, seed) for seed, digit in enumerate(digits[:COUNT])]


def test_median_score_is_that_of_untouched_digits(
    http: httpx.Client, digits: NDArray[np.uint8], files: list[bytes]
) -> None:
    """Within 0.15, the issue's bar for 500 digits of MNIST; `python -m bench.real_life` measures those."""
    untouched, real = ask_for_images(http, digits[:COUNT]), ask_for_files(http, files)

    assert abs(float(np.median(real.scores)) - float(np.median(untouched.scores))) <= 0.15


def test_neighbours_of_the_codes_stay_the_same(http: httpx.Client) -> None:
    """At least 95 % of the untouched ones' accuracy, the issue's bar for MNIST, holds for scikit-learn's digits too.

    Theirs lie in 28x28 as their enlarging left them, so the clean ones are placed as MNIST's first: of a digit that is
    moved by a pixel the code is another one (0.83 was measured).
    """
    data = load_data("digits")
    assert data.train_labels is not None
    assert data.test_labels is not None
    images, labels = place(data.test_images[:COUNT]), data.test_labels[:COUNT]
    known, known_labels = ask_for_images(http, place(data.train_images[:KNOWN])).codes, data.train_labels[:KNOWN]
    answers = (
        ask_for_images(http, images),
        ask_for_files(http, [draw_scene(image, seed) for seed, image in enumerate(images)]),
    )
    untouched, real = (find_accuracy(answer.codes, labels, known, known_labels) for answer in answers)

    assert untouched > 0.9
    assert real >= 0.95 * untouched


def test_without_preprocess_all_are_refused(http: httpx.Client, files: list[bytes]) -> None:
    """None of them is 28x28."""
    assert len(files) == count_refused(http, files)


def test_both_doors_see_the_same_pictures(service: RunningService, http: httpx.Client, files: list[bytes]) -> None:
    """Equal scores and notes, and equal normalised pictures, from HTTP and gRPC."""
    some = files[:8]
    form = [("f", (f"{i}", file, "application/octet-stream")) for i, file in enumerate(some)]
    answer = http.post("/score?preprocess=mnist&include=normalised", files=form).json()
    request = pb.ScoreRequest(
        images=pb.Images(files=pb.EncodedFiles(files=some)), preprocess=pb.PREPROCESS_MNIST, include_normalised=True
    )
    with grpc.insecure_channel(service.grpc) as channel:
        reply = codec_pb2_grpc.CodecStub(channel).Score(request, timeout=30)
    packed = np.frombuffer(reply.remarks.normalised, np.uint8).reshape(-1, 28, 28)
    direct = http.post("/score", content=packed.tobytes(), headers={"content-type": "application/octet-stream"}).json()

    assert len(some) == len(answer["normalised"]) == len(packed)
    assert [np.float32(score) for score in answer["anomaly_scores"]] == list(
        map(np.float32, reply.verdicts.anomaly_scores)
    )
    assert answer["anomaly_scores"] == direct["anomaly_scores"]
    assert bool(reply.remarks.notes) == ("notes" in answer)
