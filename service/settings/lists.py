"""Settings that are lists: separated by commas in one variable."""

import ipaddress
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

ANY_ORIGIN = "*"


def _split(value: Any) -> Any:
    """The items of a text; what is no text is left to pydantic."""
    return tuple(filter(None, (item.strip() for item in value.split(",")))) if isinstance(value, str) else value


def _check_network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ValueError(f"is no IP address or network: {error}") from error


def _check_origin(text: str) -> str:
    parts = urlsplit(text)
    if text != ANY_ORIGIN and text != f"{parts.scheme}://{parts.netloc}".lower():
        raise ValueError("is no origin, expected https://host or https://host:port in lower case, or *")
    return text


Network = Annotated[str, AfterValidator(_check_network)]
"""An IP address or a network such as 10.0.0.0/8, checked."""

Origin = Annotated[str, AfterValidator(_check_origin)]
"""What a browser sends as Origin, or `*`."""

Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]
Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split)]
