"""deploy/images/health.py: what an engine is told about a container."""

import http.server
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.server_pki import ServerPki

from deploy.images import health


@contextmanager
def answering(status: int, pki: ServerPki | None = None) -> Iterator[int]:
    """A server that answers every GET with a status; yields its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if pki is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pki.certificate, pki.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "wanted"), [(200, 0), (503, 1), (404, 1)])
def test_health_is_what_the_service_answers(status: int, wanted: int) -> None:
    """A service that has not started says 503."""
    with answering(status) as port:
        assert wanted == health.main({"DIGITCODEC_HTTP__PORT": str(port)})


def test_nobody_there_is_not_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    """The reason goes where an engine keeps it."""
    with answering(200) as port:
        pass

    assert 1 == health.main({"DIGITCODEC_HTTP__PORT": str(port)})
    assert capsys.readouterr().err.startswith("not healthy: ")


def test_another_address_can_be_asked() -> None:
    """For a model server, which listens elsewhere."""
    with answering(200) as port:
        assert 0 == health.main({}, f"http://127.0.0.1:{port}/v1/models/digits")


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, "http://127.0.0.1:8000/startupz"),
        ({"DIGITCODEC_HTTP__PORT": "9000"}, "http://127.0.0.1:9000/startupz"),
        ({"DIGITCODEC_TLS__CERTIFICATE": "/certs/server.pem"}, "https://127.0.0.1:8000/startupz"),
    ],
)
def test_address_follows_the_settings(environment: Mapping[str, str], wanted: str) -> None:
    """Port and TLS are those of the container's own environment."""
    assert wanted == health.find_url(environment)


def test_a_certificate_for_other_names_is_no_illness(tmp_path: Path) -> None:
    """The check asks 127.0.0.1; nobody else's authority is at hand there."""
    pki = ServerPki(tmp_path)
    with answering(200, pki) as port:
        settings = {"DIGITCODEC_HTTP__PORT": str(port), "DIGITCODEC_TLS__CERTIFICATE": str(pki.certificate)}

        assert 0 == health.main(settings)


def test_where_callers_need_certificates_an_open_port_is_enough(tmp_path: Path) -> None:
    """The check has none to show."""
    environment = {"DIGITCODEC_TLS__CLIENT_CA": str(tmp_path / "ca.pem")}
    with answering(200) as port:
        assert 0 == health.main({**environment, "DIGITCODEC_HTTP__PORT": str(port)})
    assert 1 == health.main({**environment, "DIGITCODEC_HTTP__PORT": str(port)})
