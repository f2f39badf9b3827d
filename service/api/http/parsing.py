"""Bodies to rows, by content type: picks the parser in `service.images` and points at what is wrong."""

import binascii
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import orjson

from service import images
from service.api.http.media import JSON, MULTIPART, NPY, RAW, parse_media_type
from service.api.http.multipart import FilePart, parse_files
from service.api.json_text import load_json
from service.api.reading import MAX_FAULTS, ReadContext, UndecodedRows, open_all, open_file, sum_pixels
from service.domain import Codes, Rows
from service.errors import (
    Fault,
    InvalidCodeError,
    InvalidImageError,
    MalformedRequestError,
    PayloadTooLargeError,
    UnsupportedMediaError,
)
from service.words import shorten

Parser = Callable[[bytes, ReadContext], UndecodedRows]


def find_parser(parsers: Mapping[str, Parser], headers: dict[bytes, bytes]) -> Parser:
    """The parser for a body with these headers.

    Raises:
        UnsupportedMediaError: If there is none, or if the body is compressed.
    """
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() not in {b"identity", b""}:
        came = shorten(encoding.strip().lower().decode("latin-1"))
        raise UnsupportedMediaError(f"Content-Encoding is {came}, only identity is accepted")
    media_type = parse_media_type(headers.get(b"content-type", b""))
    if media_type not in parsers:
        came = f"Content-Type is {shorten(media_type)}" if media_type else "no Content-Type came"
        raise UnsupportedMediaError(f"{came}, accepted are {', '.join(parsers)}")
    return parsers[media_type]


def parse_body(parser: Parser, chunks: list[bytes], context: ReadContext) -> UndecodedRows:
    """Look into a body, and decode no pixel yet.

    Raises:
        MalformedRequestError: If the body is empty or cannot be parsed.
        PayloadTooLargeError: If its image files promise more pixels than the limit, alone or together.
        DigitCodecError: What the parser finds wrong with it.
    """
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if not body:
        raise MalformedRequestError("the body is empty")
    return parser(body, context)


def _parse_file(body: bytes, context: ReadContext) -> UndecodedRows:
    opened = open_file(body, parse_media_type(context.content_type), context)
    pixels = sum_pixels([opened], context)
    return UndecodedRows(lambda: opened.decode()[np.newaxis], 1, pixels)


def _parse_form(body: bytes, context: ReadContext) -> UndecodedRows:
    files = parse_files(body, context.content_type, max_files=context.max_rows)
    if not files:
        raise MalformedRequestError("the form holds no file")
    return open_all(files, partial(_open_part, context=context), context)


def _open_part(file: FilePart, context: ReadContext) -> images.UndecodedImage:
    # Programs that do not know a file's type send it as application/octet-stream; then its bytes tell.
    media_type = None if file.media_type in {"", RAW} else file.media_type
    if media_type is not None and media_type not in images.FORMATS:
        raise UnsupportedMediaError(f"a file is {shorten(media_type)}, accepted are {', '.join(images.FORMATS)}")
    return open_file(file.data, media_type, context)


def _parse_json_images(body: bytes, context: ReadContext) -> UndecodedRows:
    return open_all(_load_list(body, "images", context), partial(_open_item, context=context), context)


def _open_item(item: Any, context: ReadContext) -> images.UndecodedImage:
    if isinstance(item, list):
        image = images.parse_nested(item)
        return images.UndecodedImage(0, lambda: image)
    if not isinstance(item, str):
        raise InvalidImageError("neither a base64 string nor a 28x28 list of lists")
    return open_file(_decode_base64(item), None, context)


def _decode_base64(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidImageError(f"a string of {len(text)} characters is not base64") from error


def _load_list(body: bytes, key: str, context: ReadContext) -> list[Any]:
    """The list under the one key that the JSON document may have."""
    try:
        document = load_json(body)
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


def _parse_json_codes(body: bytes, context: ReadContext) -> UndecodedRows:
    return UndecodedRows(partial(_parse_codes, _load_list(body, "codes", context)))


def _parse_codes(rows: list[Any]) -> Codes:
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


def _parse_whole(parse: Callable[[bytes], Rows]) -> Parser:
    """The parser for a body that is one array."""
    return lambda body, _: UndecodedRows(partial(parse, body))


IMAGE_PARSERS: Mapping[str, Parser] = {
    **dict.fromkeys(images.FORMATS, _parse_file),
    MULTIPART: _parse_form,
    JSON: _parse_json_images,
    NPY: _parse_whole(images.parse_npy),
    RAW: _parse_whole(images.parse_raw),
}
CODE_PARSERS: Mapping[str, Parser] = {
    JSON: _parse_json_codes,
    NPY: _parse_whole(images.parse_codes_npy),
}
