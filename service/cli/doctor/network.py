"""The way to a server, step by step: its name, its port, its certificate, its clock."""

import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from service.cli.doctor.finding import Finding, ok
from service.client.address import Trust

_PATIENCE_S = 5.0
_SOON_DAYS = 14
_SKEW_S = 60.0
_PORTS = {"http": 80, "https": 443, "grpc": 8001, "grpcs": 8001}


class Way:
    """The way to one server."""

    def __init__(self, url: str, trust: Trust) -> None:
        """Take an address that was found good.

        Raises:
            ValueError: If its port is none.
        """
        parts = urlsplit(url)
        self._scheme, self.host = parts.scheme, parts.hostname or ""
        self.port = parts.port or _PORTS[parts.scheme]
        self._path = parts.path.rstrip("/")
        self._trust = trust
        self._is_secure = parts.scheme.endswith("s")

    def look(self) -> Iterator[Finding]:
        """Each step of the way; the first that is wrong is the last."""
        try:
            began_s = time.perf_counter()
            with socket.create_connection((self.host, self.port), _PATIENCE_S) as connection:
                took_ms = (time.perf_counter() - began_s) * 1e3
                yield ok("connection", f"{self.host}:{self.port} takes connections, {took_ms:.1f} ms")
                if self._is_secure:
                    yield self._look_at_tls(connection)
        except socket.gaierror as error:
            told = f"the name {self.host} is not known: {error.strerror}"
            yield Finding("wrong", "connection", told, "look for a slip in the name, or use the address")
        except OSError as error:
            told = f"{self.host}:{self.port} takes no connection: {error.strerror or error}"
            yield Finding("wrong", "connection", told, "is the service running there, on this port, past the firewall?")
        else:
            yield from self._look_at_clock()

    def _look_at_tls(self, connection: socket.socket) -> Finding:
        try:
            with self._build_context().wrap_socket(connection, server_hostname=self.host) as secured:
                return _judge_certificate(secured)
        except ssl.SSLCertVerificationError as error:
            now = f"the clock here says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
            told = f"the certificate is refused: {error.verify_message}"
            return Finding("wrong", "tls", told, f"name its authorities with --ca-file; if it is about dates, {now}")
        except OSError as error:
            told = f"no TLS: {getattr(error, 'reason', None) or error}"
            return Finding(
                "wrong", "tls", told, f"if it has none, use {self._scheme.removesuffix('s')}://; see --cert too"
            )

    def _build_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._trust.ca)
        if self._trust.cert is not None:
            context.load_cert_chain(*self._trust.cert)
        return context

    def _look_at_clock(self) -> Iterator[Finding]:
        """Only HTTP tells the time."""
        if not self._scheme.startswith("http"):
            return
        with suppress(OSError, http.client.HTTPException, ValueError):
            skew_s = (self._read_clock() - datetime.now(UTC)).total_seconds()
            if abs(skew_s) > _SKEW_S:
                told = f"its clock differs from the one here by {skew_s:+.0f} s"
                yield Finding("warning", "clock", told, "set both by NTP: certificates and logs depend on it")
            else:
                yield ok("clock", "within a minute of the one here")

    def _read_clock(self) -> datetime:
        if self._is_secure:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self.host, self.port, timeout=_PATIENCE_S, context=self._build_context()
            )
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=_PATIENCE_S)
        try:
            connection.request("HEAD", f"{self._path}/livez")
            return parsedate_to_datetime(connection.getresponse().headers.get("date", ""))
        finally:
            connection.close()


def _judge_certificate(secured: ssl.SSLSocket) -> Finding:
    certificate = secured.getpeercert() or {}
    ends = str(certificate.get("notAfter", ""))
    left_days = (ssl.cert_time_to_seconds(ends) - time.time()) / 86_400 if ends else 0.0
    told = f"{secured.version()}, the certificate is good until {ends}"
    if left_days < _SOON_DAYS:
        return Finding("warning", "tls", told, f"renew it within {left_days:.0f} days")
    return ok("tls", told)
