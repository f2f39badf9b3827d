"""What the core answers -> messages of our own gRPC contract.

Messages are filled in place: to build the inner ones first and copy them into the outer takes twice as long.
"""

from collections.abc import Mapping

import numpy as np

from service.api.remarks import Remarks
from service.domain import Decoded, Encoded, Reconstructed, Scored
from service.images import Note
from service.wire import codec_pb2 as pb

_CODE_TYPE = np.dtype("<f4")
_NOTES: Mapping[Note | None, pb.Note.ValueType] = {
    None: pb.NOTE_UNSPECIFIED,
    Note.NO_INK: pb.NOTE_NO_INK,
    Note.SEVERAL_PARTS: pb.NOTE_SEVERAL_PARTS,
    Note.FLAT: pb.NOTE_FLAT,
}


def render_encoded(result: Encoded, model_name: str) -> pb.EncodeResponse:
    """The answer to Encode."""
    response = pb.EncodeResponse()
    _fill_model(response.model, result.version, model_name)
    codes = response.codes
    codes.packed = result.codes.astype(_CODE_TYPE, copy=False).tobytes()
    codes.code_dim = result.codes.shape[1]
    return response


def render_decoded(result: Decoded, model_name: str) -> pb.DecodeResponse:
    """The answer to Decode."""
    response = pb.DecodeResponse(images=result.images.tobytes())
    _fill_model(response.model, result.version, model_name)
    return response


def render_reconstructed(result: Reconstructed, model_name: str) -> pb.ReconstructResponse:
    """The answer to Reconstruct."""
    response = pb.ReconstructResponse(reconstructions=result.reconstructions.tobytes())
    _fill_model(response.model, result.version, model_name)
    _fill_verdicts(response.verdicts, result)
    return response


def render_scored(result: Scored, model_name: str) -> pb.ScoreResponse:
    """The answer to Score."""
    response = pb.ScoreResponse()
    _fill_model(response.model, result.version, model_name)
    _fill_verdicts(response.verdicts, result)
    return response


def fill_remarks(response: pb.EncodeResponse | pb.ReconstructResponse | pb.ScoreResponse, remarks: Remarks) -> None:
    """Add what is to be said of the images themselves, if anything is."""
    if remarks.notes is not None:
        response.remarks.notes.extend(_NOTES[note] for note in remarks.notes)
    if remarks.normalised is not None:
        response.remarks.normalised = remarks.normalised.tobytes()


def _fill_model(model: pb.Model, version: int, name: str) -> None:
    model.name = name
    model.version = version


def _fill_verdicts(verdicts: pb.Verdicts, result: Scored) -> None:
    verdicts.errors.extend(result.errors.tolist())
    verdicts.anomaly_scores.extend(result.anomaly_scores.tolist())
    verdicts.anomalies.extend(result.anomalies.tolist())
