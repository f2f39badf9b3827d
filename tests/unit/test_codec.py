"""The core that every door calls, over the batcher and a backend that answers by hand."""

import numpy as np
import pytest
from support.fakes import (
    CODE_DIM,
    NO_VERSION,
    FakeBackend,
    count_images,
    fake_codes,
    fake_errors,
    fake_reconstructions,
    fake_scores,
)

from service.batching import Batcher, BatchLimits
from service.codec import Codec
from service.domain import NEWEST, Deadline, Selector, find_anomalies
from service.errors import InvalidCodeError, PayloadTooLargeError

FAR = Deadline.after(600)


@pytest.fixture
def backend() -> FakeBackend:
    """Version 1, answering at once."""
    return FakeBackend()


@pytest.fixture
def codec(backend: FakeBackend) -> Codec:
    """At most four rows a request."""
    return Codec(backend, Batcher(backend, BatchLimits(8, 1, 64)), model_name="digits", max_rows=4)


async def test_encode_answers_codes_and_version(codec: Codec) -> None:
    """Row i is the code of image i."""
    images = count_images(2)
    encoded = await codec.encode(images, NEWEST, FAR)

    assert 1 == encoded.version
    assert np.array_equal(fake_codes(images), encoded.codes)


async def test_score_asks_for_no_pictures(codec: Codec, backend: FakeBackend) -> None:
    """The cheap operation leaves the pictures where they are."""
    images = count_images(3)
    scored = await codec.score(images, NEWEST, FAR)

    assert ("errors", "anomaly_scores") == backend.batches[0][0].outputs
    assert np.array_equal(fake_errors(images), scored.errors)
    assert np.array_equal(fake_scores(images), scored.anomaly_scores)
    assert [False, False, False] == scored.anomalies.tolist()


async def test_reconstruct_judges_by_the_threshold_given(codec: Codec) -> None:
    """The caller's threshold takes the place of 0.99."""
    images = count_images(3)
    scores = fake_scores(images)
    reconstructed = await codec.reconstruct(images, NEWEST, FAR, float(np.median(scores)))

    assert np.array_equal(fake_reconstructions(images), reconstructed.reconstructions)
    assert (scores > np.median(scores)).tolist() == reconstructed.anomalies.tolist()


async def test_decode_answers_pictures(codec: Codec) -> None:
    """Codes in, uint8 pictures out."""
    decoded = await codec.decode(np.zeros((2, CODE_DIM), np.float32), NEWEST, FAR)

    assert (2, 28, 28) == decoded.images.shape


async def test_codes_of_another_width_are_refused(codec: Codec) -> None:
    """The refusal names what came and what was expected."""
    with pytest.raises(InvalidCodeError, match=r"shape \(1, 3\) came, expected \(n, 4\)"):
        await codec.decode(np.zeros((1, 3), np.float32), NEWEST, FAR)


async def test_too_many_rows_never_reach_the_backend(codec: Codec, backend: FakeBackend) -> None:
    """One row over the limit is one too many."""
    with pytest.raises(PayloadTooLargeError, match="5 rows came, the limit is 4"):
        await codec.encode(count_images(5), NEWEST, FAR)

    assert [] == backend.batches


async def test_selector_travels_to_the_backend(codec: Codec, backend: FakeBackend) -> None:
    """A pinned version is asked for by number."""
    backend.versions = [3, 4]
    encoded = await codec.encode(count_images(1), Selector(version=3), FAR)

    assert Selector(version=3) == backend.batches[0][0].selector
    assert 3 == encoded.version


async def test_has_started_stays_true(codec: Codec, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Losing the backend later makes the service unready, not unstarted."""
    monkeypatch.setattr(backend, "is_ready", lambda: False)
    assert not codec.has_started()
    monkeypatch.undo()
    assert codec.has_started()
    monkeypatch.setattr(backend, "is_ready", lambda: False)

    assert codec.has_started()
    assert not codec.is_ready()


async def test_says_why_it_is_not_ready(codec: Codec, backend: FakeBackend) -> None:
    """The backend's reason, until the service is on its way out."""
    assert "" == codec.explain()
    backend.versions = []
    assert NO_VERSION == codec.explain()
    codec.drain()

    assert not codec.is_ready()
    assert "the service is shutting down" == codec.explain()


def test_score_equal_to_the_threshold_is_normal() -> None:
    """The comparison is strict, and a score that prints as the threshold equals it."""
    scores = np.array([0.99, np.nextafter(np.float32(0.99), np.float32(1))], np.float32)

    assert [False, True] == find_anomalies(scores, 0.99).tolist()
