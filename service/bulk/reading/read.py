"""Any source -> its items."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from service.bulk.reading.files import read_files
from service.bulk.reading.items import Decode, Item
from service.bulk.reading.npy import read_npy
from service.bulk.reading.tables import read_parquet
from service.bulk.reading.tars import read_tar
from service.bulk.sources import Kind, Source

_READERS: Mapping[Kind, Callable[[Source, Decode], Iterator[Item]]] = MappingProxyType(
    {"files": read_files, "tar": read_tar, "parquet": read_parquet, "npy": read_npy}
)


def read_source(source: Source, decode: Decode) -> Iterator[Item]:
    """The items of a source, always the same ones in the same order while its files do not change.

    Args:
        source: What to read.
        decode: Reads image files.
    """
    return _READERS[source.kind](source, decode)
