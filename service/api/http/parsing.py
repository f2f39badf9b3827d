"""Bodies to rows, by content type: picks the parser in `service.images` and points at what is wrong."""

import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from service import images
from service.api.http.media import JSON, MULTIPART, NPY, RAW, parse_media_type
from service.api.http.multipart import parse_files
from service.api.http.query import shorten
from service.domain import Codes, Images, Rows
from service.errors import (
    DigitCodecError,
    Fault,
    InvalidCodeError,
    InvalidImageError,
    MalformedRequestError,
    PayloadTooLargeError,
    UnsupportedMediaError,
)

# So many faults tell a caller what is wrong with a thousand images.
MAX_FAULTS = 16


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What the parsers know beside the body.

    Attributes:
        content_type: The header as it came.
        preprocess: How strange image files are treated.
        max_rows: Most rows that a request may have.
        limits: What one image file may take.
    """

    content_type: bytes
    preprocess: images.Preprocess
    max_rows: int
    limits: images.ImageLimits


Parser = Callable[[bytes, ParseContext], Rows]


def find_parser(parsers: Mapping[str, Parser], headers: dict[bytes, bytes]) -> Parser:
    """The parser for a body with these headers.

    Raises:
        UnsupportedMediaError: If there is none, or if the body is compressed.
    """
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in {b"identity", b""}:
        came = shorten(encoding.decode("latin-1"))
        raise UnsupportedMediaError(f"Content-Encoding is {came}, only identity is accepted")
    media_type = parse_media_type(headers.get(b"content-type", b""))
    if media_type not in parsers:
        came = f"Content-Type is {shorten(media_type)}" if media_type else "no Content-Type came"
        raise UnsupportedMediaError(f"{came}, accepted are {', '.join(parsers)}")
    return parsers[media_type]


def parse_body(parser: Parser, chunks: list[bytes], context: ParseContext) -> Rows:
    """The rows in a body.

    Raises:
        MalformedRequestError: If the body is empty or cannot be parsed.
        DigitCodecError: What the parser finds wrong with it.
    """
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if not body:
        raise MalformedRequestError("the body is empty")
    return parser(body, context)


def _parse_file(body: bytes, context: ParseContext) -> Images:
    media_type = parse_media_type(context.content_type)
    image = images.decode_image(body, limits=context.limits, preprocess=context.preprocess, media_type=media_type)
    return image[np.newaxis]


def _parse_form(body: bytes, context: ParseContext) -> Images:
    files = parse_files(body, context.content_type, max_files=context.max_rows)
    if not files:
        raise MalformedRequestError("the form holds no file")

    def decode(index: int) -> Images:
        file = files[index]
        # Programs that do not know a file's type send it as application/octet-stream; then its bytes tell.
        media_type = None if file.media_type in {"", RAW} else file.media_type
        if media_type is not None and media_type not in images.FORMATS:
            raise UnsupportedMediaError(f"a file is {shorten(media_type)}, accepted are {', '.join(images.FORMATS)}")
        return images.decode_image(
            file.data, limits=context.limits, preprocess=context.preprocess, media_type=media_type
        )

    return _decode_all(len(files), decode)


def _parse_json_images(body: bytes, context: ParseContext) -> Images:
    items = _load_list(body, "images", context)

    def decode(index: int) -> Images:
        item = items[index]
        if isinstance(item, list):
            return images.parse_nested(item)
        if not isinstance(item, str):
            raise InvalidImageError("neither a base64 string nor a 28x28 list of lists")
        return images.decode_image(_decode_base64(item), limits=context.limits, preprocess=context.preprocess)

    return _decode_all(len(items), decode)


def _decode_base64(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidImageError(f"a string of {len(text)} characters is not base64") from error


def _decode_all(count: int, decode: Callable[[int], Images]) -> Images:
    """Decode each image by its index, and report the places of all that fail, up to a limit.

    The error is of the first failure's class.
    """
    rows: list[Images] = []
    failures: list[tuple[int, DigitCodecError]] = []
    for index in range(count):
        try:
            rows.append(decode(index))
        except DigitCodecError as error:
            failures.append((index, error))
            if len(failures) == MAX_FAULTS:
                break
    if failures:
        _raise_all(failures)
    return np.stack(rows)


def _raise_all(failures: list[tuple[int, DigitCodecError]]) -> None:
    index, first = failures[0]
    faults = tuple(
        Fault(f"/images/{index}{error.faults[0].pointer if error.faults else ''}", error.detail)
        for index, error in failures
    )
    raise type(first)(f"image {index}: {first.detail}", faults=faults) from first


def _load_list(body: bytes, key: str, context: ParseContext) -> list[Any]:
    """The list under the one key that the JSON document may have."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedRequestError(f"the body is not JSON: {error.msg} at character {error.pos}") from error
    if not isinstance(document, dict):
        raise MalformedRequestError(f'the JSON body is a {type(document).__name__}, expected {{"{key}": [...]}}')
    if unknown := sorted(document.keys() - {key}):
        names = ", ".join(shorten(name) for name in unknown[:MAX_FAULTS])
        raise MalformedRequestError(f'unknown keys in the JSON body: {names}; it may hold "{key}" only')
    items = document.get(key)
    if not isinstance(items, list) or not items:
        raise MalformedRequestError(
            f'"{key}" is missing, empty or not a list', faults=(Fault(f"/{key}", "expected a list with elements"),)
        )
    if len(items) > context.max_rows:
        raise PayloadTooLargeError(f"{len(items)} {key} came, the limit is {context.max_rows}")
    return items


def _parse_json_codes(body: bytes, context: ParseContext) -> Codes:
    rows = _load_list(body, "codes", context)
    width = len(rows[0]) if isinstance(rows[0], list) else 0
    for index, row in enumerate(rows):
        _check_code(index, row, width)
    # A number too large for float32 becomes infinite; the check below says where, so no warning is wanted.
    with np.errstate(over="ignore"):
        codes: Codes = np.array(rows, dtype=np.float64).astype(np.float32)
    if not (finite := np.isfinite(codes).all(axis=1)).all():
        index = int(np.argmin(finite))
        raise _code_error(index, "a value is beyond float32")
    return codes


def _check_code(index: int, row: Any, width: int) -> None:
    if not isinstance(row, list) or not row:
        raise _code_error(index, "not a list of numbers")
    if len(row) != width:
        raise _code_error(index, f"{len(row)} values wide, the first is {width}")
    if not {type(value) for value in row} <= {int, float}:
        raise _code_error(index, "holds something that is not a number")


def _code_error(index: int, detail: str) -> InvalidCodeError:
    return InvalidCodeError(f"code {index}: {detail}", faults=(Fault(f"/codes/{index}", detail),))


IMAGE_PARSERS: Mapping[str, Parser] = {
    **dict.fromkeys(images.FORMATS, _parse_file),
    MULTIPART: _parse_form,
    JSON: _parse_json_images,
    NPY: lambda body, _: images.parse_npy(body),
    RAW: lambda body, _: images.parse_raw(body),
}
CODE_PARSERS: Mapping[str, Parser] = {
    JSON: _parse_json_codes,
    NPY: lambda body, _: images.parse_codes_npy(body),
}
