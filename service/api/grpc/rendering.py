"""What the core answers -> messages of our own gRPC contract."""

import numpy as np

from service.domain import Decoded, Encoded, Reconstructed, Scored
from service.wire import codec_pb2 as pb


def render_encoded(result: Encoded, model_name: str) -> pb.EncodeResponse:
    """The answer to Encode."""
    packed = np.ascontiguousarray(result.codes, "<f4").tobytes()
    return pb.EncodeResponse(
        model=_render_model(result.version, model_name), codes=pb.Codes(packed=packed, code_dim=result.codes.shape[1])
    )


def render_decoded(result: Decoded, model_name: str) -> pb.DecodeResponse:
    """The answer to Decode."""
    return pb.DecodeResponse(model=_render_model(result.version, model_name), images=result.images.tobytes())


def render_reconstructed(result: Reconstructed, model_name: str) -> pb.ReconstructResponse:
    """The answer to Reconstruct."""
    return pb.ReconstructResponse(
        model=_render_model(result.version, model_name),
        reconstructions=result.reconstructions.tobytes(),
        verdicts=_render_verdicts(result),
    )


def render_scored(result: Scored, model_name: str) -> pb.ScoreResponse:
    """The answer to Score."""
    return pb.ScoreResponse(model=_render_model(result.version, model_name), verdicts=_render_verdicts(result))


def _render_model(version: int, name: str) -> pb.Model:
    return pb.Model(name=name, version=version)


def _render_verdicts(result: Scored) -> pb.Verdicts:
    return pb.Verdicts(
        errors=result.errors.tolist(),
        anomaly_scores=result.anomaly_scores.tolist(),
        anomalies=result.anomalies.tolist(),
    )
