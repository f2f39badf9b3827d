"""Whose word about the caller is believed."""

import pytest
from support.raw_http import Echo, connect, head, running_server

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
