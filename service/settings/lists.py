"""Settings that are lists: separated by commas in one variable."""

import ipaddress
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

ANY_ORIGIN = "*"

# Browsers leave these out.
_DEFAULT_PORTS = {"http": 80, "https": 443}


def _split(value: Any) -> Any:
    """The items of a text; what is no text is left to pydantic."""
    return tuple(filter(None, (item.strip() for item in value.split(",")))) if isinstance(value, str) else value


def _check_network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ValueError(f"is no IP address or network: {error}") from error


def _check_origin(text: str) -> str:
    if text != ANY_ORIGIN and text != _find_origin(text):
        raise ValueError(
            "is no origin, expected https://host or https://host:port in lower case, without a port that is the "
            "scheme's own (443, 80), or *"
        )
    return text


def _find_origin(url: str) -> str | None:
    """As a browser writes the origin of a URL; None if it has none that it sends.

    Raises:
        ValueError: If the port is no number.
    """
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    has_own_port = parts.port not in {None, _DEFAULT_PORTS[parts.scheme]}
    return f"{parts.scheme}://{host}:{parts.port}" if has_own_port else f"{parts.scheme}://{host}"


Network = Annotated[str, AfterValidator(_check_network)]
"""An IP address or a network such as 10.0.0.0/8, checked."""

Origin = Annotated[str, AfterValidator(_check_origin)]
"""What a browser sends as Origin, or `*`."""

Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]
Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split)]
