"""Remarks on the images themselves over gRPC: notes, and how they look normalised."""

from typing import Any

import numpy as np
import pytest
from support.fakes import count_images
from support.pictures import encode

from service.images.normalise import normalise
from service.wire import codec_pb2 as pb

CROP = np.full((90, 70), 230, np.uint8)
CROP[20:70, 30:36] = 20
BLANK = np.full((50, 50), 200, np.uint8)
FILES = pb.Images(files=pb.EncodedFiles(files=[encode(picture, "PNG") for picture in (CROP, BLANK)]))
REQUESTS = {"Encode": pb.EncodeRequest, "Reconstruct": pb.ReconstructRequest, "Score": pb.ScoreRequest}


@pytest.mark.parametrize("method", REQUESTS)
async def test_notes_and_pictures_belong_to_their_images(stub: Any, method: str) -> None:
    """Entry i and row i are those of image i."""
    request = REQUESTS[method](images=FILES, preprocess=pb.PREPROCESS_MNIST, include_normalised=True)
    remarks = (await getattr(stub, method)(request)).remarks

    assert [pb.NOTE_UNSPECIFIED, pb.NOTE_NO_INK] == list(remarks.notes)
    assert normalise(CROP).tobytes() + normalise(BLANK).tobytes() == remarks.normalised


async def test_nothing_to_say_adds_nothing(stub: Any) -> None:
    """Packed rows, which nobody has treated, get no remarks unless pictures are asked for."""
    packed = pb.Images(packed=count_images(2).tobytes())

    assert not (await stub.Score(pb.ScoreRequest(images=packed))).HasField("remarks")
    asked = await stub.Score(pb.ScoreRequest(images=packed, include_normalised=True))
    assert packed.packed == asked.remarks.normalised


async def test_streams_carry_remarks(stub: Any) -> None:
    """As Reconstruct does."""
    request = pb.ReconstructRequest(images=FILES, preprocess=pb.PREPROCESS_MNIST)
    call = stub.ReconstructStream(iter([pb.ReconstructStreamRequest(id="a", request=request)]))
    answers = [answer async for answer in call]

    assert [pb.NOTE_UNSPECIFIED, pb.NOTE_NO_INK] == list(answers[0].response.remarks.notes)
