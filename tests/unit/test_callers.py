"""Who a request is from: its address, its key, and the trace that it belongs to."""

import pytest
from support.key_gate import SECRET

from service.api.callers import name_caller
from service.api.credentials import find_secret
from service.api.exchange import find_origin

TRACE, SPAN = b"1" * 32, b"2" * 16


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("", ""),
        ("unknown", "unknown"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:0:1::", "2001:db8:0:1::/64"),
        ("2001:DB8:0:1:ffff::7", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::7", "2001:db8:0:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
    ],
)
def test_a_network_is_one_caller(address: str, caller: str) -> None:
    """One machine may choose among 2^64 addresses of IPv6, and would be as many callers."""
    assert caller == name_caller(address)
    assert caller == find_origin({}, address, lambda: b"id").caller


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ({}, None),
        ({b"authorization": b"Bearer a"}, b"a"),
        ({b"authorization": b"Basic a"}, None),
        ({b"x-api-key": b"b"}, b"b"),
        ({b"x-api-key": b"b", b"authorization": b"Bearer a"}, b"b"),
        ({b"x-api-key": b"", b"authorization": b"Bearer a"}, b""),
    ],
)
def test_own_header_goes_before_the_one_that_proxies_use(headers: dict[bytes, bytes], secret: bytes | None) -> None:
    """A proxy's token in the other must not shut out who has shown a key; the secret is nothing else than what came."""
    assert secret == find_secret(headers)
    assert SECRET.encode() == find_secret({**headers, b"x-api-key": SECRET.encode()})


@pytest.mark.parametrize(
    ("sent", "is_taken"),
    [
        (b"00-%s-%s-01" % (TRACE, SPAN), True),
        (b"00-%s-%s-00" % (b"0" * 31 + b"1", b"0" * 15 + b"1"), True),
        (b"00-%s-%s-01" % (b"0" * 32, SPAN), False),
        (b"00-%s-%s-01" % (TRACE, b"0" * 16), False),
        (b"01-%s-%s-01" % (TRACE, SPAN), False),
        (b"00-%s-%s-01-x" % (TRACE, SPAN), False),
    ],
)
def test_traceparent_that_is_none_is_dropped(sent: bytes, *, is_taken: bool) -> None:
    """W3C Trace Context, 3.2.2: ids of zeros are invalid, and would make one trace of all requests."""
    assert (sent.decode() if is_taken else None) == find_origin({b"traceparent": sent}, "", lambda: b"id").traceparent
