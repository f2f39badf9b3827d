"""Whose word about the caller is believed, and how callers are named."""

import asyncio
import socket

import pytest
from support.raw_http import Echo, RawClient, connect, head, running_server

from service.servers import CannotListenError, HttpServer, listen
from service.servers.reserve import check_free, reserve
from service.settings import HttpSettings

FORWARDED = ("x-forwarded-for: 203.0.113.7", "x-forwarded-proto: https")


@pytest.mark.parametrize(
    ("trusted", "scheme", "caller"),
    [
        ((), "http", "127.0.0.1"),
        (("10.0.0.0/8",), "http", "127.0.0.1"),
        (("10.0.0.0/8", "127.0.0.1"), "https", "203.0.113.7"),
        (("127.0.0.0/8",), "https", "203.0.113.7"),
    ],
    ids=["nobody", "others", "this address", "this network"],
)
async def test_only_trusted_proxies_speak_for_others(trusted: tuple[str, ...], scheme: str, caller: str) -> None:
    """From anybody else the headers mean nothing, from this machine either."""
    async with running_server(Echo(), trusted_proxies=trusted) as running, connect(running.port) as client:
        client.send(head(*FORWARDED))
        heard = (await client.read_answer()).problem

    assert (scheme, caller) == (heard["scheme"], heard["caller"])


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="the system has no IPv6")
@pytest.mark.parametrize(("host", "caller"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1")])
async def test_all_addresses_are_those_of_both_kinds(host: str, caller: str) -> None:
    """As for gRPC; who comes by IPv4 has the same name as at an IPv4 address."""
    with listen("::", 0, settings="") as listener:
        server = HttpServer(Echo(), listener, HttpSettings(), 1)
        serving = asyncio.create_task(server.serve())
        client = RawClient(*await asyncio.open_connection(host, listener.getsockname()[1]))
        client.send(head())
        heard = (await client.read_answer()).problem
        client.close()
        server.stop()
        await serving

    assert caller == heard["caller"]


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="the system has no IPv6")
def test_all_addresses_are_free_only_if_those_of_ipv4_are() -> None:
    """Else gRPC would fail without a reason."""
    with socket.create_server(("0.0.0.0", 0)) as other:  # noqa: S104 - that it is all of them is the point
        for take in (check_free, reserve):
            with pytest.raises(CannotListenError):
                take("::", other.getsockname()[1], settings="X")
