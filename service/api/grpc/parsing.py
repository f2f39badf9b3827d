"""Messages of our own gRPC contract -> selectors, options and rows; points at what is wrong."""

import itertools
from collections.abc import Callable
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

ImagesRequest = pb.EncodeRequest | pb.ReconstructRequest | pb.ScoreRequest
"""What brings images."""


def parse_selector(request: ImagesRequest | pb.DecodeRequest) -> Selector:
    """The model version that a request wants.

    Raises:
        MalformedRequestError: If the version is below 1 or the label is empty.
    """
    if not request.HasField("model"):
        return NEWEST
    model = request.model
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


def find_images(source: pb.Images, context: ReadContext) -> tuple[int, Callable[[], UndecodedRows]]:
    """How many bytes of images a request brings, and what opens them; no pixel is decoded yet.

    What opens them raises PayloadTooLargeError if there are too many files, or their pixels together are too many, and
    InvalidImageError if packed rows are not whole, or a file is no image that we read.

    Args:
        source: The images.
        context: What reading files depends on.

    Raises:
        MalformedRequestError: If there are none.
    """
    kind = source.WhichOneof("source")
    if kind == "packed":
        packed = source.packed  # a copy each time that it is asked for
        if not packed:
            raise _malformed("/images/packed", "packed is empty, expected n*784 bytes")
        return len(packed), lambda: UndecodedRows(partial(images.parse_raw, packed))
    if kind == "files" and source.files.files:
        files = source.files.files
        # Not ByteSize, which writes the message anew; and of files that are too many it does not matter.
        return sum(map(len, itertools.islice(files, context.max_rows))), partial(open_files, files, context)
    raise _malformed("/images", "no image came, expected files or packed rows")


def find_codes(codes: pb.Codes) -> tuple[int, Callable[[], UndecodedRows]]:
    """How many bytes of codes a request brings, and what makes rows of them; see `_parse_codes` for its errors."""
    packed = codes.packed  # as above
    return len(packed), lambda: UndecodedRows(partial(_parse_codes, packed, codes.code_dim))


def _parse_codes(packed: bytes, code_dim: int) -> Codes:
    """The codes of a request, float32 (n, code_dim).

    Raises:
        MalformedRequestError: If there are none.
        InvalidCodeError: If the bytes are not whole codes, or a number is not finite.
    """
    if not packed:
        raise _malformed("/codes/packed", "packed is empty, expected n*code_dim*4 bytes")
    if code_dim < 1:
        raise _invalid_code("/codes/code_dim", f"code_dim is {code_dim}, expected the model's code width")
    row_bytes = code_dim * _FLOAT_BYTES
    if len(packed) % row_bytes:
        raise _invalid_code("/codes/packed", f"got {len(packed)} bytes, expected a multiple of {row_bytes}")
    return images.to_codes(np.frombuffer(packed, "<f4").reshape(-1, code_dim))


def _malformed(pointer: str, detail: str) -> MalformedRequestError:
    return MalformedRequestError(detail, faults=(Fault(pointer, detail),))


def _invalid_code(pointer: str, detail: str) -> InvalidCodeError:
    return InvalidCodeError(detail, faults=(Fault(pointer, detail),))
