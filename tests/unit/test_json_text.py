"""JSON from outside: what rows are written in is parsed, what only costs time is not."""

import gzip

import orjson
import pytest

from service.api.json_text import load_json
from service.errors import PayloadTooLargeError

_IMAGE = [[0] * 28] * 28


@pytest.mark.parametrize(
    "document",
    [
        {"images": [_IMAGE] * 4096},
        {"instances": [{"images": _IMAGE}] * 4096},
        {"codes": [[0]] * 4096},
        [[]] * 200_000,
        {str(number): 0 for number in range(200_000)},
    ],
    ids=["images", "instances", "codes", "lists within the limit", "names within the limit"],
)
def test_rows_are_parsed_in_every_form(document: object) -> None:
    """The most that a request may have by default, in the fewest bytes; and any document of middle size."""
    assert document == load_json(orjson.dumps(document))


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"[]," * 300_000 + b"0]",
        b"[" + b"{}," * 300_000 + b"0]",
        b"{" + b'"":0,' * 400_000 + b'"":0}',
        b"[" * 10**6,
    ],
    ids=["lists", "objects", "names", "depth"],
)
def test_what_is_cut_into_many_parts_is_refused(text: bytes) -> None:
    """However little it takes on the wire; also where it is a part of a larger body."""
    assert len(gzip.compress(text)) < 5000

    with pytest.raises(PayloadTooLargeError, match=r"the JSON has \d+ lists, objects and names, the limit for its"):
        load_json(text)
    with pytest.raises(PayloadTooLargeError):
        load_json(memoryview(text))
