"""Image files, one row each."""

from collections.abc import Iterator
from functools import partial

from service.bulk.places import read_whole, show_place
from service.bulk.reading.items import MOST_FILE_BYTES, Decode, Item, decode_file
from service.bulk.sources import Source
from service.domain import Images


def read_files(source: Source, decode: Decode) -> Iterator[Item]:
    """An item for each file; none is opened before its item is read."""
    for place in source.places:
        shown = show_place(place)
        name = shown.removeprefix(source.base).lstrip("/")
        yield Item(shown, name, 0, partial(_read, place, decode))


def _read(place: str, decode: Decode) -> Images:
    return decode_file(read_whole(place, MOST_FILE_BYTES + 1), decode)
