"""Asks as gRPC messages; opens no channel."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from service.client.asks import Ask, CodeRows, Files
from service.wire import codec_pb2, inference_pb2

_CODE_TYPE = np.dtype("<f4")


def build_message(ask: Ask) -> Any:
    """The message of an ask."""
    return _BUILDERS[ask.operation](ask)


def build_stream_request(ask: Ask) -> codec_pb2.ReconstructStreamRequest:
    """An ask as one request of a stream; its id is the number of its first row."""
    request = codec_pb2.ReconstructStreamRequest(id=str(ask.first_row))
    _fill_verdicts(request.request, ask)
    return request


def _fill(request: Any, ask: Ask) -> Any:
    """Fill in what requests with rows share."""
    if ask.selector.version is not None:
        request.model.version = ask.selector.version
    if ask.selector.label is not None:
        request.model.label = ask.selector.label
    if isinstance(ask.load, CodeRows):
        request.codes.packed = ask.load.codes.astype(_CODE_TYPE, copy=False).tobytes()
        request.codes.code_dim = ask.load.codes.shape[1]
    elif isinstance(ask.load, Files):
        request.images.files.files.extend(ask.load.files)
    elif ask.load is not None:
        request.images.packed = ask.load.images.tobytes()
    return request


def _fill_images(request: Any, ask: Ask) -> Any:
    if ask.preprocess == "mnist":
        request.preprocess = codec_pb2.PREPROCESS_MNIST
    request.include_normalised = ask.include_normalised
    return _fill(request, ask)


def _fill_verdicts(request: Any, ask: Ask) -> Any:
    request.threshold = ask.threshold
    return _fill_images(request, ask)


_BUILDERS: Mapping[str, Callable[[Ask], Any]] = {
    "encode": lambda ask: _fill_images(codec_pb2.EncodeRequest(), ask),
    "decode": lambda ask: _fill(codec_pb2.DecodeRequest(), ask),
    "reconstruct": lambda ask: _fill_verdicts(codec_pb2.ReconstructRequest(), ask),
    "score": lambda ask: _fill_verdicts(codec_pb2.ScoreRequest(), ask),
    "models": lambda _: inference_pb2.RepositoryIndexRequest(),
    "ready": lambda _: inference_pb2.ServerReadyRequest(),
}
