"""Where a service is, and how its connection is secured."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

_GRPC_PORT = 8001


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service is.

    Attributes:
        protocol: What is spoken with it.
        is_secure: True with TLS.
        target: For HTTP the URL without a slash at its end; for gRPC host:port.
    """

    protocol: Literal["http", "grpc"]
    is_secure: bool
    target: str


@dataclass(frozen=True, slots=True)
class Trust:
    """The files of TLS, all PEM.

    Attributes:
        ca: Authorities that the service's certificate is checked by; None for those of the system.
        cert: The client's own certificate and private key, or None.
    """

    ca: str | Path | None = None
    cert: tuple[str | Path, str | Path] | None = None


def parse_address(url: str) -> Address:
    """`http://host:port`, `https://...`, `grpc://host:port` or `grpcs://...`; gRPC's port is 8001 if none is named.

    Raises:
        ValueError: If it is none of them.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https", "grpc", "grpcs"} or not parts.hostname:
        raise ValueError(f"the address is {url!r}, expected http://, https://, grpc:// or grpcs:// and a host")
    is_secure = parts.scheme.endswith("s")
    if parts.scheme.startswith("http"):
        return Address("http", is_secure, url.rstrip("/"))
    if parts.path.strip("/"):
        raise ValueError(f"the address is {url!r}, a gRPC address has no path")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address("grpc", is_secure, f"{host}:{parts.port or _GRPC_PORT}")
