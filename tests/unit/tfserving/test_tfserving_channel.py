"""Targets, options, TLS and mTLS."""

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from support.serving_peer import encode, open_backend, running_peer, until
from support.spoilt_files import WAYS, spoil

from service.backends.tfserving import TFServingBackend, UnusableCertificateError
from service.backends.tfserving.channel import build_options
from service.errors import NotReadyError
from service.settings import ModelSettings, TFServingBackendSettings

NAME = "model-server.test"


class Pki:
    """One authority, a server's certificate and ours, as files.

    Attributes:
        ca: The authority's certificate.
        cert: Our certificate chain.
        key: Our key.
    """

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self._server, self._authority = authority.issue_cert(NAME), authority
        ours = authority.issue_cert("gateway.test")
        self.ca, self.cert, self.key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        ours.private_key_pem.write_to_path(str(self.key))
        self.cert.write_bytes(b"".join(pem.bytes() for pem in ours.cert_chain_pems))

    def server(self, *, asks_for_certificate: bool) -> grpc.ServerCredentials:
        """What the model server presents, and whether it wants to see ours."""
        chain = b"".join(pem.bytes() for pem in self._server.cert_chain_pems)
        return grpc.ssl_server_credentials(
            [(self._server.private_key_pem.bytes(), chain)],
            self._authority.cert_pem.bytes() if asks_for_certificate else None,
            asks_for_certificate,
        )


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    """Fresh certificates."""
    return Pki(tmp_path)


async def test_tls(pki: Pki) -> None:
    """The server's certificate is checked against our authority and the name it must have."""
    async with running_peer(1, credentials=pki.server(asks_for_certificate=False)) as peer:
        tls: dict[str, Any] = {"tls": True, "ca_file": pki.ca, "server_name": NAME}
        async with open_backend(peer.target, **tls) as backend:
            await until(backend.is_ready)

            assert 1 == (await encode(backend)).version


async def test_mutual_tls(pki: Pki) -> None:
    """We present our certificate to a server that asks for it."""
    async with running_peer(1, credentials=pki.server(asks_for_certificate=True)) as peer:
        tls: dict[str, Any] = {
            "tls": True,
            "ca_file": pki.ca,
            "server_name": NAME,
            "cert_file": pki.cert,
            "key_file": pki.key,
        }
        async with open_backend(peer.target, **tls) as backend:
            await until(backend.is_ready)

            assert 1 == (await encode(backend)).version


@pytest.mark.parametrize("settings", [{"tls": False}, {"tls": True}, {"tls": True, "server_name": "other.test"}])
async def test_server_that_cannot_be_trusted_is_away(pki: Pki, settings: dict[str, Any]) -> None:
    """Plain text, an unknown authority and a wrong name all end the same way."""
    ca: dict[str, Any] = {"ca_file": pki.ca} if "server_name" in settings else {}
    async with running_peer(1, credentials=pki.server(asks_for_certificate=False)) as peer:
        async with open_backend(peer.target, max_attempts=1, **settings, **ca) as backend:
            with pytest.raises(NotReadyError):
                await encode(backend)

        assert not peer.heard


async def test_unix_socket(tmp_path: Path) -> None:
    """A server on the same machine needs no port."""
    address = f"unix:{tmp_path / 'serving.sock'}"
    async with running_peer(1, address=address) as peer, open_backend(peer.target) as backend:
        await until(backend.is_ready)

        assert 1 == (await encode(backend)).version


@pytest.mark.parametrize("broken", ["ca", "cert", "key"])
@pytest.mark.parametrize("how", WAYS)
def test_unusable_file_is_named(pki: Pki, broken: str, how: str) -> None:
    """Before anything is started the operator reads which setting and which file is wrong."""
    path: Path = getattr(pki, broken)
    spoil(path, how)
    settings = TFServingBackendSettings(tls=True, ca_file=pki.ca, cert_file=pki.cert, key_file=pki.key)
    with pytest.raises(UnusableCertificateError) as caught:
        TFServingBackend(settings, ModelSettings())

    told = str(caught.value)
    assert f"DIGITCODEC_BACKEND__{broken.upper()}_FILE" in told
    assert str(path) in told
    assert "None" not in told


def test_key_of_another_certificate_is_refused(pki: Pki) -> None:
    """Both files may be good and not belong together."""
    trustme.CA().issue_cert("other.test").private_key_pem.write_to_path(str(pki.key))
    settings = TFServingBackendSettings(tls=True, cert_file=pki.cert, key_file=pki.key)
    with pytest.raises(UnusableCertificateError, match="MISMATCH"):
        TFServingBackend(settings, ModelSettings())


def test_one_attempt_means_no_retries() -> None:
    """The library takes no policy of a single attempt."""
    once, thrice = (_service_config(TFServingBackendSettings(max_attempts=count)) for count in (1, 3))

    assert "retryPolicy" not in once["methodConfig"][0]
    assert ["UNAVAILABLE"] == thrice["methodConfig"][0]["retryPolicy"]["retryableStatusCodes"]


def _service_config(settings: TFServingBackendSettings) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(dict(build_options(settings))["grpc.service_config"])
    return config
