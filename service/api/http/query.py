"""Parses what a caller asks for beside the body: query parameters and the timeout header."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import parse_qsl

from service.codec import DEFAULT_THRESHOLD
from service.domain import NEWEST, Selector
from service.errors import MalformedRequestError
from service.images import Preprocess
from service.words import shorten

# Far above any sensible query, and small enough that remembered ones take no memory to speak of.
MAX_QUERY_BYTES = 1024

_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII).fullmatch
_VERSION = re.compile(r"[1-9]\d{0,17}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Options:
    """The query of a request.

    Attributes:
        selector: The model version.
        threshold: Anomaly scores above it are anomalies, in [0, 1].
        preprocess: How strange image files are treated.
        is_picture_wanted: Whether the answer holds the images as the model saw them.
    """

    selector: Selector = NEWEST
    threshold: float = DEFAULT_THRESHOLD
    preprocess: Preprocess = "strict"
    is_picture_wanted: bool = False

    @property
    def is_plain(self) -> bool:
        """True where the answer has nothing to say of the images themselves."""
        return self.preprocess == "strict" and not self.is_picture_wanted


_DEFAULTS = Options()


def parse_options(query: bytes, allowed: frozenset[str]) -> Options:
    """The options in a query string.

    Args:
        query: As it came, without the question mark.
        allowed: Names that the operation knows.

    Raises:
        MalformedRequestError: If a parameter is unknown, repeated or has a value that it cannot have.
    """
    return _parse_query(query, allowed) if query else _DEFAULTS


@lru_cache(maxsize=256)
def _parse_query(query: bytes, allowed: frozenset[str]) -> Options:
    options = _DEFAULTS
    for name, value in _split_query(query, allowed).items():
        options = _PARSERS[name](options, value)
    return options


def _split_query(query: bytes, allowed: frozenset[str]) -> dict[str, str]:
    if len(query) > MAX_QUERY_BYTES:
        raise MalformedRequestError(f"a query of {len(query)} bytes came, the limit is {MAX_QUERY_BYTES}")
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, encoding="utf-8")
    values = dict(pairs)
    if unknown := sorted(values.keys() - allowed):
        raise MalformedRequestError(f"unknown query parameters: {_join(unknown)}; known: {_join(sorted(allowed))}")
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise MalformedRequestError(f"repeated query parameters: {_join(repeated)}")
    if "version" in values and "label" in values:
        raise MalformedRequestError("both version and label came, at most one of them selects the model version")
    return values


def _join(names: list[str]) -> str:
    return ", ".join(shorten(name) for name in names)


def _parse_version(options: Options, value: str) -> Options:
    if not _VERSION(value):
        raise MalformedRequestError(f"version is {shorten(value)}, expected a positive integer")
    return replace(options, selector=Selector(version=int(value)))


def _parse_label(options: Options, value: str) -> Options:
    if not value:
        raise MalformedRequestError("label is empty, expected the name of a version")
    return replace(options, selector=Selector(label=value))


def _parse_threshold(options: Options, value: str) -> Options:
    threshold = _parse_number(value)
    if threshold is None or threshold > 1:
        raise MalformedRequestError(f"threshold is {shorten(value)}, expected a number in [0, 1]")
    return replace(options, threshold=threshold)


def _parse_preprocess(options: Options, value: str) -> Options:
    if value == "strict":
        return replace(options, preprocess="strict")
    if value == "mnist":
        return replace(options, preprocess="mnist")
    raise MalformedRequestError(f"preprocess is {shorten(value)}, expected 'strict' or 'mnist'")


def _parse_include(options: Options, value: str) -> Options:
    if value != "normalised":
        raise MalformedRequestError(f"include is {shorten(value)}, expected 'normalised'")
    return replace(options, is_picture_wanted=True)


_PARSERS: dict[str, Callable[[Options, str], Options]] = {
    "version": _parse_version,
    "label": _parse_label,
    "threshold": _parse_threshold,
    "preprocess": _parse_preprocess,
    "include": _parse_include,
}


def parse_timeout(header: bytes | None) -> float | None:
    """Seconds that a caller gives the request by the X-Request-Timeout header; None without one.

    Raises:
        MalformedRequestError: If the header is not a number above zero.
    """
    if header is None:
        return None
    text = header.decode("latin-1").strip()
    seconds = _parse_number(text)
    if not seconds:
        raise MalformedRequestError(f"X-Request-Timeout is {shorten(text)}, expected seconds above 0")
    return seconds


def _parse_number(text: str) -> float | None:
    """A plain decimal number >= 0, or None; `float` alone also takes nan, inf and 1_0."""
    number = float(text) if _NUMBER(text) else math.nan
    return number if math.isfinite(number) else None
