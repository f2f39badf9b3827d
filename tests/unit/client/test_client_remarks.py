"""What answers say of the images themselves, over both protocols: notes, and how they look normalised."""

from typing import Any

import numpy as np
import pytest
from support.client_gateway import ClientGateway, Driven, Kind, Protocol, driving, open_client_gateway
from support.fakes import count_images, fake_codes, fake_errors, fake_reconstructions, fake_scores

from service.images.normalise import normalise

CROP = np.full((90, 70), 230, np.uint8)
CROP[20:70, 30:36] = 20
BLANK = np.full((50, 50), 200, np.uint8)
TWO = CROP.copy()
TWO[40:50] = 230
LINE = CROP.T.copy()
PAIR = [CROP, BLANK]
SEEN = np.stack([normalise(picture) for picture in PAIR])

METHODS = ["encode", "score", "reconstruct"]
BOTH: dict[str, Any] = {"preprocess": "mnist", "include_normalised": True}


async def test_notes_stand_beside_their_images(client: Driven) -> None:
    """A word for each that looks like no digit, the same over both protocols; no pictures unless asked for."""
    answers = [await client.call(method, [CROP, BLANK, TWO, LINE], preprocess="mnist") for method in METHODS]

    assert [(None, "no_ink", "several_parts", "flat")] * 3 == [answer.notes for answer in answers]
    assert [None] * 3 == [answer.normalised for answer in answers]


@pytest.mark.parametrize("options", [{"preprocess": "mnist"}, {}])
async def test_nothing_to_say_is_none_for_each_image(client: Driven, options: dict[str, str]) -> None:
    """Of clean crops, and of strict images, at which nobody looks."""
    answers = [await client.call(method, count_images(3), **options) for method in METHODS]

    assert [(None, None, None)] * 3 == [answer.notes for answer in answers]


async def test_normalised_pictures_are_those_that_the_model_saw(client: Driven) -> None:
    """Row i is image i."""
    answers = [await client.call(method, PAIR, **BOTH) for method in METHODS]

    assert [(None, "no_ink")] * 3 == [answer.notes for answer in answers]
    np.testing.assert_array_equal([SEEN] * 3, [answer.normalised for answer in answers])


async def test_strict_images_are_shown_as_they_came(client: Driven) -> None:
    """Whoever asks for them gets them, whatever `preprocess` is."""
    answers = [await client.call(method, count_images(3), include_normalised=True) for method in METHODS]

    np.testing.assert_array_equal([count_images(3)] * 3, [answer.normalised for answer in answers])


async def test_remarks_leave_the_numbers_alone(client: Driven) -> None:
    """However many rows there are, all is equal to the last bit."""
    pictures = [BLANK, *count_images(64)]
    whole = await client.call("reconstruct", pictures, **BOTH)
    codes = await client.call("encode", pictures, preprocess="mnist")
    scores = await client.call("score", pictures, **BOTH)

    assert [("no_ink", *[None] * 64)] * 3 == [answer.notes for answer in (whole, codes, scores)]
    np.testing.assert_array_equal(fake_codes(whole.normalised), codes.codes)
    np.testing.assert_array_equal(fake_reconstructions(whole.normalised), whole.reconstructions)
    for answer in (whole, scores):
        np.testing.assert_array_equal(fake_errors(whole.normalised), answer.errors)
        np.testing.assert_array_equal(fake_scores(whole.normalised), answer.anomaly_scores)
        np.testing.assert_array_equal(answer.anomaly_scores > np.float32(0.99), answer.anomalies)


async def test_remarks_of_large_calls_are_joined(kind: Kind, protocol: Protocol, gateway: ClientGateway) -> None:
    """Also where some of the requests have nothing to say."""
    pictures = [*PAIR, *[CROP] * 3, *PAIR]
    async with driving(kind, gateway.urls[protocol], max_rows=3) as client:
        answers = [await client.call(method, pictures, **BOTH) for method in METHODS]

    assert [3, 3, 1] * 3 == gateway.backend.batch_sizes
    assert [(None, "no_ink", None, None, None, None, "no_ink")] * 3 == [answer.notes for answer in answers]
    seen = [normalise(picture) for picture in pictures]
    np.testing.assert_array_equal([seen] * 3, [answer.normalised for answer in answers])


async def test_remarks_of_halves_are_joined(kind: Kind, protocol: Protocol) -> None:
    """As those of any requests."""
    async with open_client_gateway(max_rows=3) as gateway, driving(kind, gateway.urls[protocol]) as client:
        answers = [await client.call(method, PAIR * 2, **BOTH) for method in METHODS]

    assert [(None, "no_ink") * 2] * 3 == [answer.notes for answer in answers]
    np.testing.assert_array_equal([[*SEEN, *SEEN]] * 3, [answer.normalised for answer in answers])


@pytest.mark.parametrize("method", ["score_many", "reconstruct_many"])
async def test_sets_have_remarks(client: Driven, method: str) -> None:
    """Each answer those of its own images, also over the stream of `reconstruct_many`."""
    answers = await client.list_all(method, PAIR * 2, batch_rows=3, **BOTH)

    assert [(None, "no_ink", None), ("no_ink",)] == [answer.notes for answer in answers]
    np.testing.assert_array_equal([*SEEN, *SEEN], np.concatenate([answer.normalised for answer in answers]))
