"""A body that is nothing but the one input of a model: what `Inference-Header-Content-Length: 0` says."""

from service import images
from service.api.inference.binary import RawElements, prefix_string
from service.api.inference.datatypes import BYTES, Shape
from service.api.inference.request import InferRequest, InputTensor
from service.backends import contract
from service.domain import IMAGE_BYTES, IMAGE_SIDE, Signature
from service.errors import InvalidCodeError, InvalidImageError, MalformedRequestError

_CODE_BYTES = 4


def parse_whole_body(
    body: memoryview, model_name: str, model_version: str, signature: Signature, code_dim: int | None
) -> InferRequest:
    """The request in such a body: an image file if it begins like one, else rows of UINT8 pixels or FP32 codes.

    Args:
        body: All of it.
        model_name: The model of the path.
        model_version: The version of the path.
        signature: What the model runs.
        code_dim: Width of its codes; None if it is not known, then the body is one code.

    Raises:
        MalformedRequestError: If it is empty.
        InvalidImageError: If it is neither an image file nor whole images.
        InvalidCodeError: If it is not whole codes.
    """
    if not body:
        raise MalformedRequestError("the body is empty, expected the input of the model")
    name = contract.INPUTS[signature]
    if signature == "decode":
        tensor = InputTensor(name, "FP32", _infer_codes_shape(len(body), code_dim), RawElements(body))
    elif images.sniff(bytes(body[:64])) is not None:
        tensor = InputTensor(name, BYTES, (1,), RawElements(prefix_string(bytes(body))))
    else:
        tensor = InputTensor(name, "UINT8", _infer_images_shape(len(body)), RawElements(body))
    return InferRequest(model_name, model_version, "", {}, (tensor,), (), len(body))


def _infer_images_shape(size_bytes: int) -> Shape:
    if size_bytes % IMAGE_BYTES:
        raise InvalidImageError(f"got {size_bytes} bytes, expected a multiple of {IMAGE_BYTES}, or an image file")
    return size_bytes // IMAGE_BYTES, IMAGE_SIDE, IMAGE_SIDE


def _infer_codes_shape(size_bytes: int, code_dim: int | None) -> Shape:
    row_bytes = _CODE_BYTES * code_dim if code_dim else size_bytes
    if size_bytes % row_bytes or row_bytes % _CODE_BYTES:
        raise InvalidCodeError(f"got {size_bytes} bytes, expected whole codes of {code_dim or 'some'} float32 numbers")
    return size_bytes // row_bytes, row_bytes // _CODE_BYTES
