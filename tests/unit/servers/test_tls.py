"""TLS on both doors: who is let in, and how certificates are renewed and found wanting."""

import asyncio
import os
import socket
import ssl
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from support.raw_http import PATIENCE_S, Echo, connect, head, running_server, send_answer
from support.running_rpc import running_rpc
from support.server_pki import ServerPki, age
from support.spoilt_files import WAYS, spoil

from service.certificates import UnusableCertificateError, load_pair
from service.servers import ServerCertificate, find_url, listen, load_certificate
from service.settings import TlsSettings


@pytest.fixture(autouse=True)
def _look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are looked at for every connection."""
    monkeypatch.setattr("service.servers.certificate.LOOK_INTERVAL_S", 0)


def load(settings: TlsSettings) -> ServerCertificate:
    """The certificate of settings that name one."""
    certificate = load_certificate(settings)
    assert certificate is not None
    return certificate


async def ask_rpc(address: str, credentials: grpc.ChannelCredentials | None) -> grpc.StatusCode:
    """The status of a health check over a connection of its own."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    channel = (
        grpc.aio.insecure_channel(address, options)
        if credentials is None
        else grpc.aio.secure_channel(address, credentials, options)
    )
    async with channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        try:
            await health.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)
        except grpc.aio.AioRpcError as error:
            return error.code()
    return grpc.StatusCode.OK


async def find_presented(port: int, trust: ssl.SSLContext) -> bytes:
    """The certificate that a new HTTP connection is shown, in DER."""
    async with connect(port, ssl=trust) as client:
        client.send(head())
        await client.read_answer()
        presented: bytes = client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return presented


async def test_requests_come_over_tls(pki: ServerPki) -> None:
    """The application hears that they did."""
    certificate = load(pki.settings())
    async with (
        running_server(Echo(), certificate=certificate) as running,
        connect(running.port, ssl=pki.trust()) as client,
    ):
        client.send(head())
        answer = await client.read_answer()
        version = client.writer.get_extra_info("ssl_object").version()

    assert (200, "https", "TLSv1.3") == (answer.status, answer.problem["scheme"], version)


async def test_calls_come_over_tls(pki: ServerPki) -> None:
    """As requests do."""
    async with running_rpc(load(pki.settings())) as address:
        assert grpc.StatusCode.OK == await ask_rpc(address, pki.rpc_trust())


async def test_plain_requests_are_refused(pki: ServerPki) -> None:
    """Nothing is said in the clear."""
    echo = Echo()
    async with running_server(echo, certificate=load(pki.settings())) as running, connect(running.port) as client:
        client.send(head())
        heard = await client.read_to_end()

    assert not heard.startswith(b"HTTP")
    assert not echo.entered.is_set()


async def test_plain_calls_are_refused(pki: ServerPki) -> None:
    """As plain requests are."""
    async with running_rpc(load(pki.settings())) as address:
        assert grpc.StatusCode.UNAVAILABLE == await ask_rpc(address, None)


async def test_old_versions_of_tls_are_refused(pki: ServerPki) -> None:
    """By both doors; the same caller is let in with TLS 1.2."""
    certificate = load(pki.settings())
    async with running_server(Echo(), certificate=certificate) as running, running_rpc(certificate) as address:
        for port in (running.port, int(address.rpartition(":")[2])):
            with pytest.raises((ssl.SSLError, ConnectionError)):  # an alert, where it comes before the end
                await asyncio.open_connection("127.0.0.1", port, ssl=_only(pki, ssl.TLSVersion.TLSv1_1))
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=_only(pki, ssl.TLSVersion.TLSv1_2))
            writer.close()


def _only(pki: ServerPki, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = pki.trust()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.set_alpn_protocols(["h2", "http/1.1"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
        context.minimum_version = context.maximum_version = version
    return context


async def test_requests_of_unknown_callers_are_refused(pki: ServerPki) -> None:
    """With an authority for clients, only those with its certificate are heard."""
    echo, certificate = Echo(), load(pki.settings(asks_callers=True))
    async with running_server(echo, certificate=certificate) as running:
        heard = await _call_over_tls(running.port, pki.trust())
        was_entered = echo.entered.is_set()
        known = await _call_over_tls(running.port, pki.trust(shows_certificate=True))

    assert (b"", False) == (heard, was_entered)
    assert known.startswith(b"HTTP/1.1 200 OK")


async def _call_over_tls(port: int, trust: ssl.SSLContext) -> bytes:
    """What a caller hears; nothing if it is refused, which in TLS 1.3 it learns after its own handshake."""
    try:
        async with connect(port, ssl=trust) as client:
            client.send(head("connection: close"))
            return await client.read_to_end()
    except (ssl.SSLError, ConnectionError):
        return b""


async def test_calls_of_unknown_callers_are_refused(pki: ServerPki) -> None:
    """As requests are."""
    async with running_rpc(load(pki.settings(asks_callers=True))) as address:
        codes = [await ask_rpc(address, pki.rpc_trust(shows_certificate=shows)) for shows in (False, True)]

    assert [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.OK] == codes


async def test_handshake_that_is_not_finished_ends(pki: ServerPki) -> None:
    """It has the time of a head; until then it counts as a connection."""
    with capture_logs() as logs:
        async with (
            running_server(Echo(), certificate=load(pki.settings()), header_timeout_s=0.3) as running,
            connect(running.port) as client,
        ):
            async with asyncio.timeout(PATIENCE_S):
                while not running.server.connections:  # noqa: ASYNC110 - a server has no event for it
                    await asyncio.sleep(0.01)
            heard = await client.read_to_end()
            left = running.server.connections

    assert (b"", 0) == (heard, left)
    assert 1 == sum(line.get("tls_handshake_failed", 0) for line in logs)


async def test_handshakes_count_as_connections(pki: ServerPki) -> None:
    """Silent ones cannot get around the limit; who is one too many still gets an answer."""
    certificate = load(pki.settings())
    async with (
        running_server(Echo(), certificate=certificate, max_connections=1) as running,
        connect(running.port),
        connect(running.port, ssl=pki.trust()) as client,
    ):
        answer = await client.read_answer()

    assert 503 == answer.status


async def test_callers_who_say_no_farewell_do_not_hold_up_the_stop(pki: ServerPki) -> None:
    """Idle clients read nothing, so they answer no TLS alert either."""
    certificate = load(pki.settings())
    async with running_server(Echo(), certificate=certificate, grace_s=600, write_timeout_s=600) as running:
        client = await asyncio.to_thread(_ask_and_idle, running.port, pki.trust())
        await running.stop()
        client.close()


async def test_callers_who_come_and_go_end_nothing_but_their_connections(
    pki: ServerPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections are looked at in every turn of the loop, also in the one in which TLS has lost its socket."""
    monkeypatch.setattr("service.servers.http._CHECK_INTERVAL_S", 0)
    trust, statuses = pki.trust(), []
    with capture_logs() as logs:
        async with running_server(Echo(), certificate=load(pki.settings())) as running:

            async def come_and_go() -> None:
                for _ in range(25):
                    async with connect(running.port, ssl=trust) as client:
                        client.send(head())
                        statuses.append((await client.read_answer()).status)

            await asyncio.gather(*(come_and_go() for _ in range(4)))
            has_ended = running.serving.done()

    assert ([200] * 100, False) == (statuses, has_ended)
    assert [] == [line for line in logs if line["event"] == "connection_faulty"]


async def test_slow_reader_gets_an_answer_that_ends_its_connection(
    pki: ServerPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system has passed on all that it was given, many times, while most of the answer waits below TLS."""
    monkeypatch.setattr("service.servers.http._CHECK_INTERVAL_S", 0.001)
    answer = bytes(2**25)

    async def answer_at_length(scope: Scope, receive: Receive, send: Send) -> None:
        await send_answer(send, answer)

    async with (
        running_server(answer_at_length, certificate=load(pki.settings())) as running,
        connect(running.port, ssl=pki.trust()) as client,
    ):
        client.send(head("connection: close"))
        heard = await client.read_to_end()

    assert heard.endswith(answer)


def _ask_and_idle(port: int, trust: ssl.SSLContext) -> ssl.SSLSocket:
    client = trust.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1")
    client.sendall(head())
    client.recv(4096)
    return client


async def test_new_certificate_is_taken_without_a_restart(pki: ServerPki) -> None:
    """By new connections of both doors; old ones live on."""
    certificate = load(pki.settings())
    async with (
        running_server(Echo(), certificate=certificate) as running,
        running_rpc(certificate) as address,
        connect(running.port, ssl=pki.trust()) as old,
    ):
        old.send(head())
        await old.read_answer()
        issued = pki.issue()
        age(pki.key)
        http = await find_presented(running.port, pki.trust())
        rpc = await asyncio.to_thread(_find_presented_rpc, address)
        old.send(head())
        still = await old.read_answer()

    assert (issued, issued, 200) == (http, rpc, still.status)


def _find_presented_rpc(address: str) -> bytes:
    host, port = address.split(":")
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port))))


@pytest.mark.parametrize("damage", ["gone", "no PEM", "another's key"])
async def test_unusable_new_certificate_leaves_the_former_one(pki: ServerPki, damage: str, tmp_path: Path) -> None:
    """One error line, however many connections come; once it is repaired it is taken."""
    certificate = load(pki.settings())
    async with running_server(Echo(), certificate=certificate) as running, running_rpc(certificate) as address:
        former = await find_presented(running.port, pki.trust())
        if damage == "gone":
            pki.certificate.unlink()
        elif damage == "no PEM":
            pki.certificate.write_text("hello")
        else:
            (tmp_path / "other").mkdir()
            pki.key.write_bytes(ServerPki(tmp_path / "other").key.read_bytes())
            age(pki.key)
        with capture_logs() as logs:
            presented = [await find_presented(running.port, pki.trust()) for _ in range(3)]
            code = await ask_rpc(address, pki.rpc_trust())
        issued = pki.issue()
        age(pki.key)
        repaired = await find_presented(running.port, pki.trust())

    assert ([former] * 3, grpc.StatusCode.OK, issued) == (presented, code, repaired)
    assert ["certificate_not_renewed"] == [line["event"] for line in logs if line["log_level"] == "error"]


@pytest.mark.parametrize("broken", ["certificate", "key", "ca"])
@pytest.mark.parametrize("how", WAYS)
def test_unusable_file_is_named(pki: ServerPki, broken: str, how: str) -> None:
    """Before anything is started the operator reads which setting and which file is wrong."""
    path: Path = getattr(pki, broken)
    spoil(path, how)
    with pytest.raises(UnusableCertificateError) as caught:
        load_certificate(pki.settings(asks_callers=True))

    setting = {"certificate": "CERTIFICATE", "key": "PRIVATE_KEY", "ca": "CLIENT_CA"}[broken]
    assert f"DIGITCODEC_TLS__{setting}" in str(caught.value)
    assert str(path) in str(caught.value)


def test_encrypted_key_is_told_in_words(pki: ServerPki) -> None:
    """OpenSSL's own word is of a bad password, although nobody gave one."""
    key = serialization.load_pem_private_key(pki.key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"secret")
    pki.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, locked)
    )
    with pytest.raises(UnusableCertificateError, match=r"DIGITCODEC_TLS__PRIVATE_KEY.*encrypted"):
        load_certificate(pki.settings())


def test_pair_that_is_replaced_while_it_is_read_is_read_again(pki: ServerPki, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both doors present the same certificate, with its own key."""
    issued: list[bytes] = []

    def load_and_replace(*arguments: Any) -> None:
        load_pair(*arguments)
        if not issued:
            issued.append(pki.issue())

    monkeypatch.setattr("service.servers.certificate.load_pair", load_and_replace)
    configure, presented = grpc.ssl_server_certificate_configuration, []

    def keep(pairs: list[tuple[bytes, bytes]], authorities: bytes | None) -> grpc.ServerCertificateConfiguration:
        presented.append(ssl.PEM_cert_to_DER_cert(pairs[0][1].decode()))
        return configure(pairs, authorities)

    monkeypatch.setattr(grpc, "ssl_server_certificate_configuration", keep)
    load(pki.settings())

    assert issued == presented


def test_files_that_never_rest_are_not_used(pki: ServerPki, monkeypatch: pytest.MonkeyPatch) -> None:
    """Better the former ones than a mixture."""

    def load_and_replace(*arguments: Any) -> None:
        load_pair(*arguments)
        pki.issue()

    monkeypatch.setattr("service.servers.certificate.load_pair", load_and_replace)
    with pytest.raises(UnusableCertificateError, match=r"DIGITCODEC_TLS__CERTIFICATE.*change"):
        load_certificate(pki.settings())


def test_unusable_file_keeps_the_service_from_starting(pki: ServerPki) -> None:
    """One line, and the exit status of a wrong setting."""
    settings = {
        "DIGITCODEC_BACKEND__KIND": "tfserving",  # it need not be there, and TensorFlow is not loaded
        "DIGITCODEC_HTTP__PORT": "0",
        "DIGITCODEC_GRPC__PORT": "0",
        "DIGITCODEC_TLS__CERTIFICATE": str(pki.certificate),
        "DIGITCODEC_TLS__PRIVATE_KEY": str(pki.ca),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "service"],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (2, 1) == (ended.returncode, ended.stderr.count("\n"))
    assert "DIGITCODEC_TLS__PRIVATE_KEY" in ended.stderr


def test_without_a_certificate_there_is_no_tls() -> None:
    """The default."""
    assert load_certificate(TlsSettings()) is None


def test_url_says_that_there_is_tls() -> None:
    """So that it can be pasted into a browser."""
    with listen("127.0.0.1", 0, settings="") as listener:
        assert find_url(listener, tls=True).startswith("https://127.0.0.1:")
