"""Parses JSON that comes from outside, unless it would cost far more than its bytes say."""

from typing import Any

import orjson

from service.errors import PayloadTooLargeError

# Each list or object costs a microsecond, in which nobody else is served: a million of empty ones is a second, and fits
# into a few kilobytes of gzip. A quarter of a million is enough for 4,096 rows in any form; beyond that, only documents
# with fewer of them than a row of 28 pixels is long are made of rows.
_FREE_PARTS = 2**18
_BYTES_PER_PART = 48


def load_json(text: bytes | memoryview) -> Any:
    """What a JSON text holds.

    Raises:
        PayloadTooLargeError: If it is cut into more lists, objects and names than rows of images or codes are.
        orjson.JSONDecodeError: If it is no JSON.
    """
    if len(text) > _FREE_PARTS:
        _check_parts(bytes(text))
    return orjson.loads(text)


def _check_parts(text: bytes) -> None:
    parts = sum(map(text.count, (b"[", b"{", b":")))
    limit = _FREE_PARTS + len(text) // _BYTES_PER_PART
    if parts > limit:
        raise PayloadTooLargeError(
            f"the JSON has {parts} lists, objects and names, the limit for its {len(text)} bytes is {limit}"
        )
