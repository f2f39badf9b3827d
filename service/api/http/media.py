"""Content types that come, and the choice of the one that goes back (RFC 9110, 8.3 and 12.5.1)."""

from functools import lru_cache

from service.api.http.problems import NotAcceptableError
from service.errors import MalformedRequestError
from service.words import shorten

JSON = "application/json"
NPY = "application/x-npy"
PNG = "image/png"
MULTIPART = "multipart/form-data"
RAW = "application/octet-stream"

# As most callers write them.
_KNOWN = {media_type.encode(): media_type for media_type in (JSON, NPY, PNG, RAW, "image/jpeg")}

# An Accept header of a browser has some 150 bytes.
_MAX_ACCEPT_BYTES = 1024
_ANYTHING = frozenset({None, b"", b"*/*", b"application/json"})


def parse_media_type(content_type: bytes) -> str:
    """The type of a Content-Type header in lower case, without its parameters."""
    return _KNOWN.get(content_type) or _parse(content_type)


def _parse(content_type: bytes) -> str:
    return content_type.split(b";", 1)[0].strip().lower().decode("latin-1")


def choose_format(accept: bytes | None, offered: tuple[str, ...]) -> str:
    """The format to answer in.

    Args:
        accept: The Accept header, or None; several are joined by commas.
        offered: Formats that the operation has, the preferred one first; JSON is always that one.

    Raises:
        NotAcceptableError: If the header allows none of them.
        MalformedRequestError: If the header cannot be parsed.
    """
    if accept in _ANYTHING:
        return offered[0]
    return _choose(accept or b"", offered)


@lru_cache(maxsize=256)
def _choose(accept: bytes, offered: tuple[str, ...]) -> str:
    if len(accept) > _MAX_ACCEPT_BYTES:
        raise MalformedRequestError(f"an Accept header of {len(accept)} bytes came, the limit is {_MAX_ACCEPT_BYTES}")
    text = accept.decode("latin-1")
    qualities = _parse_accept(text)
    # max keeps the first of equals, so that our own order decides between them.
    best = max(offered, key=lambda media_type: _find_quality(media_type, qualities))
    if _find_quality(best, qualities) <= 0:
        raise NotAcceptableError(f"Accept is {shorten(text)}, this operation answers {', '.join(offered)}")
    return best


def _parse_accept(text: str) -> dict[str, float]:
    """Quality by media range; parameters other than q select nothing here and are passed over."""
    qualities: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weights = [parameter[2:].strip() for parameter in parameters if parameter.startswith("q=")]
        qualities[media_range] = _parse_quality(weights[0], part) if weights else 1.0
    return qualities


def _parse_quality(weight: str, part: str) -> float:
    digits = weight.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit() and len(weight) <= 5 and float(weight) <= 1):
        raise MalformedRequestError(f"Accept holds {shorten(part)}, expected a quality from 0 to 1 with up to 3 digits")
    return float(weight)


def _find_quality(media_type: str, qualities: dict[str, float]) -> float:
    """The quality of a type: that of the most specific range that covers it, 0 where none does."""
    for media_range in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        if media_range in qualities:
            return qualities[media_range]
    return 0.0
