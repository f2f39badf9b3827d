"""Messages of our own gRPC contract -> selectors, options and rows; points at what is wrong."""

import itertools
from functools import partial

import numpy as np

from service import images
from service.api.reading import ReadContext, UndecodedRows, open_files
from service.codec import DEFAULT_THRESHOLD
from service.domain import NEWEST, Codes, Selector
from service.errors import Fault, InvalidCodeError, MalformedRequestError
from service.wire import codec_pb2 as pb

_PREPROCESS: dict[int, images.Preprocess] = {pb.PREPROCESS_UNSPECIFIED: "strict", pb.PREPROCESS_MNIST: "mnist"}
_FLOAT_BYTES = 4


def parse_selector(model: pb.ModelSelector) -> Selector:
    """The model version that a request wants.

    Raises:
        MalformedRequestError: If the version is below 1 or the label is empty.
    """
    choice = model.WhichOneof("choice")
    if choice == "version":
        if model.version < 1:
            raise _malformed("/model/version", f"version is {model.version}, expected a positive integer")
        return Selector(version=model.version)
    if choice == "label":
        if not model.label:
            raise _malformed("/model/label", "label is empty, expected the name of a version")
        return Selector(label=model.label)
    return NEWEST


def parse_preprocess(preprocess: int) -> images.Preprocess:
    """How strange image files are treated.

    Raises:
        MalformedRequestError: If the number is none of the contract's.
    """
    if preprocess not in _PREPROCESS:
        raise _malformed("/preprocess", f"preprocess is {preprocess}, expected one of {sorted(_PREPROCESS)}")
    return _PREPROCESS[preprocess]


def parse_threshold(request: pb.ReconstructRequest | pb.ScoreRequest) -> float:
    """Anomaly scores above it are anomalies.

    Raises:
        MalformedRequestError: If it is not in [0, 1].
    """
    if not request.HasField("threshold"):
        return DEFAULT_THRESHOLD
    if not 0 <= request.threshold <= 1:  # nan compares false
        raise _malformed("/threshold", f"threshold is {request.threshold:g}, expected a number in [0, 1]")
    return request.threshold


def parse_images(source: pb.Images, context: ReadContext) -> UndecodedRows:
    """The images of a request, of which no pixel is decoded yet.

    Raises:
        MalformedRequestError: If there are none.
        PayloadTooLargeError: If there are too many files, or their pixels together are too many.
        InvalidImageError: If packed rows are not whole, or a file is no image that we read.
    """
    kind = source.WhichOneof("source")
    if kind == "packed":
        if not source.packed:
            raise _malformed("/images/packed", "packed is empty, expected n*784 bytes")
        return UndecodedRows(partial(images.parse_raw, source.packed))
    if kind == "files" and source.files.files:
        return open_files(source.files.files, context)
    raise _malformed("/images", "no image came, expected files or packed rows")


def parse_codes(codes: pb.Codes) -> Codes:
    """The codes of a request, float32 (n, code_dim).

    Raises:
        MalformedRequestError: If there are none.
        InvalidCodeError: If the bytes are not whole codes, or a number is not finite.
    """
    if not codes.packed:
        raise _malformed("/codes/packed", "packed is empty, expected n*code_dim*4 bytes")
    if codes.code_dim < 1:
        raise _invalid_code("/codes/code_dim", f"code_dim is {codes.code_dim}, expected the model's code width")
    row_bytes = codes.code_dim * _FLOAT_BYTES
    if len(codes.packed) % row_bytes:
        raise _invalid_code("/codes/packed", f"got {len(codes.packed)} bytes, expected a multiple of {row_bytes}")
    return images.to_codes(np.frombuffer(codes.packed, "<f4").reshape(-1, codes.code_dim))


def count_bytes(source: pb.Images, max_files: int) -> int:
    """How much a request's images are, before anything is decoded; of files that are too many it does not matter."""
    return len(source.packed) + sum(map(len, itertools.islice(source.files.files, max_files)))


def _malformed(pointer: str, detail: str) -> MalformedRequestError:
    return MalformedRequestError(detail, faults=(Fault(pointer, detail),))


def _invalid_code(pointer: str, detail: str) -> InvalidCodeError:
    return InvalidCodeError(detail, faults=(Fault(pointer, detail),))
