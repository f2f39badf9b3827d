"""What both clients raise over both protocols, and what they try again."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trustme
from support.client_gateway import ClientGateway, Driven, Kind, Protocol, driving, open_client_gateway
from support.fakes import CODE_DIM, HeldBackend, count_images, fake_codes
from support.key_gate import SECRET, RingGate
from support.server_pki import ServerPki

from service import errors as core
from service.client import (
    BackendError,
    ClientError,
    DeadlineExceededError,
    InternalError,
    InvalidCodeError,
    InvalidImageError,
    MalformedRequestError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
    Place,
    Retries,
    TooLargeError,
    UnauthenticatedError,
    UnreachableError,
)
from service.images import render_png
from service.servers import load_certificate
from service.settings import TlsSettings

IMAGES = count_images(6)
FILES = [render_png(image) for image in IMAGES]

# Name: (error, method, images or codes, how many, options)
CALLS: dict[str, tuple[type[ClientError], str, Any, int, dict[str, Any]]] = {
    "unknown version": (NotFoundError, "encode", IMAGES, 6, {"version": 9}),
    "unknown label": (NotFoundError, "score", IMAGES, 6, {"label": "none"}),
    "no picture": (InvalidImageError, "reconstruct", [*FILES[:3], b"no picture"], 4, {}),
    "other size": (InvalidImageError, "score", render_png(np.zeros((30, 28), np.uint8)), 1, {}),
    "other width": (InvalidCodeError, "decode", np.zeros((2, CODE_DIM + 1)), 2, {}),
    "threshold out of range": (MalformedRequestError, "score", IMAGES, 6, {"threshold": 2}),
}


@pytest.mark.parametrize("name", CALLS)
async def test_refusals_are_typed(client: Driven, gateway: ClientGateway, name: str) -> None:
    """They carry the service's reason, its sentence, and the id that its log has; and are not tried again."""
    kind, method, given, rows, options = CALLS[name]
    with pytest.raises(kind) as caught:
        await client.call(method, given, **options)

    (line,) = [fields for _, _, fields in gateway.log.lines if fields.get("reason")]
    assert (kind, line["reason"], line["request_id"]) == (caught.type, caught.value.reason, caught.value.request_id)
    assert caught.value.detail in str(caught.value)
    assert (0, rows) == caught.value.rows


async def test_faulty_places_are_named_alike(client: Driven) -> None:
    """Whatever the protocol calls them."""
    with pytest.raises(InvalidImageError) as caught:
        await client.call("encode", [*FILES[:3], b"no picture"])

    (place,) = caught.value.errors
    assert "/images/3" == place.pointer
    assert isinstance(place, Place)
    assert "got 10 bytes of text" in place.detail


async def test_failed_rows_are_counted_within_the_call(kind: Kind, protocol: Protocol, gateway: ClientGateway) -> None:
    """Where a call takes several requests, the error names those in the one that failed."""
    async with driving(kind, gateway.urls[protocol], max_rows=2) as client:
        with pytest.raises(InvalidImageError) as caught:
            await client.call("encode", [*FILES[:3], b"no picture", *FILES[4:]])

    assert (2, 4) == caught.value.rows
    assert "rows 2 to 3" in str(caught.value)


BAD_IMAGES: dict[str, tuple[type[Exception], Any, str]] = {
    "other shape": (InvalidImageError, np.zeros((3, 3)), "strict"),
    "out of range": (InvalidImageError, np.full((28, 28), 256), "strict"),
    "no picture": (InvalidImageError, np.zeros((2, 3, 4, 5), np.uint8), "mnist"),
    "text in an array": (InvalidImageError, np.full((28, 28), "x"), "mnist"),
    "broken npy": (MalformedRequestError, b"\x93NUMPY\x01\x00", "strict"),
    "no image": (MalformedRequestError, [], "strict"),
    "no row": (MalformedRequestError, np.zeros((0, 28, 28), np.uint8), "strict"),
    "no path": (FileNotFoundError, Path("nowhere.png"), "strict"),
    "a number": (TypeError, [7], "strict"),
}


@pytest.mark.parametrize("name", BAD_IMAGES)
async def test_bad_images_are_refused_before_they_are_sent(client: Driven, gateway: ClientGateway, name: str) -> None:
    """By the house's own rules for numbers, and Python's own words for files."""
    error, images, preprocess = BAD_IMAGES[name]
    with pytest.raises(error):
        await client.call("encode", images, preprocess=preprocess)

    assert [] == gateway.backend.batches


async def test_bad_codes_are_refused_before_they_are_sent(client: Driven, gateway: ClientGateway) -> None:
    """A number that is not finite."""
    with pytest.raises(InvalidCodeError, match="nan"):
        await client.call("decode", np.full((1, CODE_DIM), np.nan))

    assert [] == gateway.backend.batches


def fail_by(kind: type[core.DigitCodecError]) -> core.DigitCodecError:
    """An error of the core that wants to be come back to at once."""
    error = kind("in trouble")
    error.retry_after_s = None
    return error


@pytest.mark.parametrize("kind_of_error", [core.OverloadedError, core.RateLimitedError, core.NotReadyError])
async def test_what_may_pass_is_tried_again(
    client: Driven, gateway: ClientGateway, kind_of_error: type[core.DigitCodecError]
) -> None:
    """The second request has the same id, and the next number."""
    gateway.backend.failure = fail_by(kind_of_error)
    answer = await client.call("encode", IMAGES)

    np.testing.assert_array_equal(fake_codes(IMAGES), answer.codes)
    first, second = gateway.list_ids()
    assert (first.removesuffix(".1"), "2") == tuple(second.split("."))


FINAL: dict[str, tuple[Exception, type[ClientError]]] = {
    "backend": (core.BackendError("broke"), BackendError),
    "deadline": (core.DeadlineExceededError("too late"), DeadlineExceededError),
    "mistake": (core.DigitCodecError("a mistake"), InternalError),
}


@pytest.mark.parametrize("name", FINAL)
async def test_what_will_not_pass_is_not_tried_again(client: Driven, gateway: ClientGateway, name: str) -> None:
    """One request, one error."""
    gateway.backend.failure, kind = FINAL[name]
    with pytest.raises(ClientError) as caught:
        await client.call("encode", IMAGES)

    assert (kind, kind.reason, 1) == (caught.type, caught.value.reason, len(gateway.backend.batches))


async def test_retry_after_is_told_and_kept_to(kind: Kind, protocol: Protocol, gateway: ClientGateway) -> None:
    """A wait that would end after the deadline is not begun: the error comes at once."""
    gateway.backend.failure = core.OverloadedError("full")
    async with driving(kind, gateway.urls[protocol], timeout_s=0.9) as client:
        with pytest.raises(OverloadedError) as caught:
            await client.call("encode", IMAGES)

    assert (1.0, 1) == (caught.value.retry_after_s, len(gateway.backend.batches))


async def test_deadline_goes_to_the_service(kind: Kind, protocol: Protocol) -> None:
    """It ends the request there too: its log says so."""
    async with open_client_gateway(HeldBackend()) as gateway, driving(kind, gateway.urls[protocol]) as client:
        with pytest.raises(DeadlineExceededError):
            await client.call("encode", IMAGES, timeout_s=0.2)
        await asyncio.wait_for(gateway.log.written.wait(), 5)

    (line,) = [fields for _, _, fields in gateway.log.lines if "reason" in fields]
    assert "deadline_exceeded" == line["reason"]


async def test_nobody_there_is_said_after_all_attempts(kind: Kind, protocol: Protocol) -> None:
    """With the id of the last."""
    async with open_client_gateway() as gateway:
        urls = gateway.urls
    async with driving(kind, urls[protocol], retries=Retries(max_attempts=3, first_wait_s=0.001)) as client:
        with pytest.raises(UnreachableError) as caught:
            await client.call("encode", IMAGES)

    assert ("3", "") == (caught.value.request_id.rpartition(".")[2], caught.value.reason)


async def test_budget_ends_other_tries(kind: Kind, protocol: Protocol, gateway: ClientGateway) -> None:
    """Once half of the tokens are gone, a failure is final."""
    gateway.backend.versions.clear()
    retries = Retries(max_attempts=2, first_wait_s=0.001, max_tokens=4, token_ratio=0.1)
    attempts = []
    async with driving(kind, gateway.urls[protocol], retries=retries, timeout_s=60) as client:
        for _ in range(3):
            with pytest.raises(NotReadyError) as caught:
                await client.call("encode", IMAGES)
            attempts.append(caught.value.request_id.rpartition(".")[2])

    assert ["2", "1", "1"] == attempts


async def test_one_image_too_large_is_refused(kind: Kind, protocol: Protocol) -> None:
    """There is nothing to halve."""
    async with open_client_gateway(max_image_pixels=100) as gateway, driving(kind, gateway.urls[protocol]) as client:
        with pytest.raises(TooLargeError) as caught:
            await client.call("encode", FILES)

    assert (0, 1) == caught.value.rows


async def test_keys_let_in(kind: Kind, protocol: Protocol) -> None:
    """Without one, or with a wrong one, nobody is."""
    async with open_client_gateway(gate=RingGate()) as gateway:
        open_with = partial(driving, kind, gateway.urls[protocol])
        async with open_with(key=SECRET) as known, open_with(key="other") as wrong, open_with() as unknown:
            answer = await known.call("encode", IMAGES)
            listed = await known.call("models")
            for client in (wrong, unknown):
                with pytest.raises(UnauthenticatedError):
                    await client.call("encode", IMAGES)
                with pytest.raises(UnauthenticatedError):
                    await client.list_all("reconstruct_many", IMAGES)

    assert (6, 1) == (len(answer), len(listed))


async def test_tls_needs_a_known_authority(kind: Kind, protocol: Protocol, tmp_path: Path) -> None:
    """One that the caller names; without it the service is not trusted."""
    pki = ServerPki(tmp_path)
    certificate = load_certificate(pki.settings())
    async with open_client_gateway(certificate=certificate) as gateway:
        url = gateway.urls[protocol]
        async with driving(kind, url, ca=pki.ca) as trusting, driving(kind, url, retries=Retries(1)) as doubting:
            answer = await trusting.call("encode", IMAGES)
            with pytest.raises(UnreachableError):
                await doubting.call("encode", IMAGES)

    assert 6 == len(answer)


async def test_callers_show_their_certificate(kind: Kind, protocol: Protocol, tmp_path: Path) -> None:
    """Where the service asks for one, nobody else is heard."""
    pki, callers = ServerPki(tmp_path), trustme.CA()
    callers.cert_pem.write_to_path(str(tmp_path / "callers.pem"))
    settings = TlsSettings(certificate=pki.certificate, private_key=pki.key, client_ca=tmp_path / "callers.pem")
    shown = write_certificate(callers, tmp_path)
    async with open_client_gateway(certificate=load_certificate(settings)) as gateway:
        open_with = partial(driving, kind, gateway.urls[protocol], ca=pki.ca, retries=Retries(1))
        async with open_with(cert=shown) as known, open_with() as unknown:
            answer = await known.call("encode", IMAGES)
            with pytest.raises(UnreachableError):
                await unknown.call("encode", IMAGES)

    assert 6 == len(answer)


def write_certificate(authority: trustme.CA, folder: Path) -> tuple[Path, Path]:
    """The files of a caller's certificate and key."""
    issued = authority.issue_cert("caller.test")
    certificate, key = folder / "caller.pem", folder / "caller-key.pem"
    certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return certificate, key


async def test_cancelled_call_ends_at_once(protocol: Protocol) -> None:
    """The client goes on to be of use."""
    backend = HeldBackend()
    async with open_client_gateway(backend) as gateway, driving("async", gateway.urls[protocol]) as client:
        calling = asyncio.create_task(client.call("encode", IMAGES))
        await asyncio.wait_for(backend.entered.wait(), 5)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        backend.gate.set()
        answer = await client.call("encode", IMAGES)

    np.testing.assert_array_equal(fake_codes(IMAGES), answer.codes)


ADDRESSES = ("127.0.0.1:8000", "ftp://127.0.0.1", "http://", "grpc://127.0.0.1:8001/v1")


@pytest.mark.parametrize("url", ADDRESSES)
def test_addresses_that_are_none_are_refused(kind: Kind, url: str) -> None:
    """When the client is made."""
    with pytest.raises(ValueError, match="the address is"):
        Driven(kind, url)


@pytest.mark.parametrize("options", [{"timeout_s": 0}, {"timeout_s": float("nan")}, {"max_rows": 0}])
def test_numbers_below_their_bounds_are_refused(kind: Kind, options: dict[str, Any]) -> None:
    """When the client is made."""
    with pytest.raises(ValueError, match="above 0"):
        Driven(kind, "http://127.0.0.1:8000", **options)
