"""Who a request's address stands for."""

from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Network

# What one customer gets at least (RFC 6177), and one machine may choose any address in (RFC 8981).
_NETWORK_BITS = 64


@lru_cache(1024)
def name_caller(address: str) -> str:
    """Whose share a request takes that shows no key.

    An IPv4 address is one caller, and so is a whole IPv6 network of 64 bits, since one machine may have all of it. IPv4
    written as IPv6 is IPv4. What is neither, such as a word that a proxy has put there, stays as it is.

    Args:
        address: Without a port.
    """
    try:
        number = IPv6Address(address)
    except AddressValueError:
        return address
    mapped: IPv4Address | None = number.ipv4_mapped
    return str(mapped or IPv6Network((int(number), _NETWORK_BITS), strict=False))
