"""Opens sources: a file for each kind of them. What cannot be read becomes an item that says so, never an error."""

from service.bulk.reading.items import Decode, Item, describe_failure
from service.bulk.reading.read import read_source

__all__ = ["Decode", "Item", "describe_failure", "read_source"]
