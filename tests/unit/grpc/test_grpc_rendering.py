"""Messages that are filled in place say the same as those that are made whole."""

import numpy as np

from service.api.grpc.rendering import render_decoded, render_encoded, render_reconstructed, render_scored
from service.domain import Decoded, Encoded, Reconstructed, Scored
from service.wire import codec_pb2 as pb

MODEL = pb.Model(name="digits", version=3)
IMAGES = np.arange(2 * 784, dtype=np.uint8).reshape(2, 28, 28)
ERRORS = np.array([0.25, 0.5], np.float32)
SCORES = np.array([0.125, 1], np.float32)
FLAGS = np.array([False, True])
VERDICTS = pb.Verdicts(errors=[0.25, 0.5], anomaly_scores=[0.125, 1], anomalies=[False, True])


def test_codes_are_packed_whatever_their_layout() -> None:
    """float32 little-endian, row by row."""
    codes = np.arange(12, dtype=np.float32).reshape(2, 6)
    expected = pb.EncodeResponse(model=MODEL, codes=pb.Codes(packed=codes.astype("<f4").tobytes(), code_dim=6))

    assert expected == render_encoded(Encoded(3, codes), "digits")
    assert expected == render_encoded(Encoded(3, np.asfortranarray(codes)), "digits")
    assert expected == render_encoded(Encoded(3, np.repeat(codes, 2, axis=0)[::2]), "digits")
    assert expected == render_encoded(Encoded(3, codes.astype(">f4")), "digits")


def test_images_and_verdicts_keep_their_order() -> None:
    """Row i of the answer belongs to row i of the request."""
    reconstructed = Reconstructed(
        version=3, errors=ERRORS, anomaly_scores=SCORES, anomalies=FLAGS, reconstructions=IMAGES
    )
    expected = pb.ReconstructResponse(model=MODEL, reconstructions=IMAGES.tobytes(), verdicts=VERDICTS)

    assert expected == render_reconstructed(reconstructed, "digits")
    assert pb.ScoreResponse(model=MODEL, verdicts=VERDICTS) == render_scored(Scored(3, ERRORS, SCORES, FLAGS), "digits")
    assert pb.DecodeResponse(model=MODEL, images=IMAGES.tobytes()) == render_decoded(Decoded(3, IMAGES), "digits")
