"""The head of a request as ASGI has it."""

import ipaddress
from typing import Final, Literal, Protocol
from urllib.parse import unquote

import httptools
from uvicorn._types import ASGIVersions, HTTPScope

_ASGI: Final[ASGIVersions] = {"version": "3.0", "spec_version": "2.3"}


class Ends(Protocol):
    """What a connection knows of its two ends, as uvicorn names it."""

    root_path: str
    server: tuple[str, int | None] | None
    client: tuple[str, int] | None
    scheme: Literal["http", "https"] | None


def build_scope(url: bytes, method: bytes, version: str, headers: list[tuple[bytes, bytes]], ends: Ends) -> HTTPScope:
    """The scope of one request.

    Args:
        url: As it came.
        method: As it came.
        version: Of HTTP.
        headers: Names in lower case.
        ends: Of its connection.
    """
    parsed = httptools.parse_url(url)
    # A whole URL without a path means the root (RFC 9112, 3.2.1).
    path, query = parsed.path or b"/", parsed.query or b""
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": version,
        "method": method.decode("ascii"),
        "server": ends.server,
        "client": ends.client,
        "scheme": ends.scheme or "http",
        "root_path": ends.root_path,
        "path": ends.root_path + unquote(path.decode("ascii")),
        "raw_path": ends.root_path.encode("ascii") + path,
        "query_string": query,
        "headers": headers,
        "state": {},
    }


def find_plain(client: tuple[str, int] | None) -> tuple[str, int] | None:
    """The address of a caller as IPv4 has it, if it came that way to a socket of both.

    uvicorn does not find `::ffff:10.0.0.1` among trusted proxies of 10.0.0.0/8.
    """
    mapped = ipaddress.IPv6Address(client[0]).ipv4_mapped if client and client[0].startswith("::ffff:") else None
    return (str(mapped), client[1]) if client and mapped else client
