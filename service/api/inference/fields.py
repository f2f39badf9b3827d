"""Typed values out of parsed JSON objects and parameters."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from service.errors import MalformedRequestError
from service.words import shorten

_Kind = TypeVar("_Kind")

_NAMES: Mapping[type, str] = MappingProxyType(
    {
        str: "a string",
        int: "an integer",
        float: "a number",
        bool: "a boolean",
        list: "a list",
        dict: "an object",
        type(None): "null",
    }
)

# Models have one input and up to four outputs; clients send a few parameters.
_MAX_ENTRIES = 256


def take(document: Mapping[str, Any], key: str, kind: type[_Kind], where: str = "") -> _Kind | None:
    """The value under a key; None where there is none, or null.

    Args:
        document: A JSON object, or parameters.
        key: Which value.
        kind: What it must be; True is no integer.
        where: Where the document lies, with a dot at the end, for the error.

    Raises:
        MalformedRequestError: If it is something else.
    """
    value = document.get(key)
    if value is None:
        return None
    return check_kind(value, kind, where + key)


def require(document: Mapping[str, Any], key: str, kind: type[_Kind], where: str = "") -> _Kind:
    """The same for a value that must be there.

    Raises:
        MalformedRequestError: If it is not there, or something else.
    """
    value = take(document, key, kind, where)
    if value is None:
        raise MalformedRequestError(f"{where}{key} is missing, expected {_NAMES[kind]}")
    return value


def check_length(length: int, name: str) -> None:
    """Refuse more entries than any request needs, before memory and time are spent on each of them.

    Raises:
        MalformedRequestError: If there are more.
    """
    if length > _MAX_ENTRIES:
        raise MalformedRequestError(f"{length} {name} came, the limit is {_MAX_ENTRIES}")


def check_kind(value: Any, kind: type[_Kind], name: str) -> _Kind:
    """The value, if it is of the kind.

    Raises:
        MalformedRequestError: If it is not.
    """
    if type(value) is not kind:
        raise MalformedRequestError(f"{name} is {_describe(value)}, expected {_NAMES[kind]}")
    return value


def _describe(value: Any) -> str:
    """What came, as a reader of JSON would call it; long values only by their kind."""
    if value is None or isinstance(value, list | dict):
        return _NAMES[type(value)]
    return shorten(value) if isinstance(value, str) else f"{_NAMES[type(value)]} ({value})"
