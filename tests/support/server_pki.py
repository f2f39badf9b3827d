"""Certificates of a test's own authority, as files that a server reads."""

import os
import ssl
from pathlib import Path

import grpc
import trustme

from service.settings import TlsSettings


class ServerPki:
    """One authority for the server and its callers.

    Attributes:
        ca: The authority's certificate, as a file.
        certificate: The server's certificate chain, as a file.
        key: The server's key, as a file.
    """

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.ca, self.certificate, self.key = folder / "ca.pem", folder / "server.pem", folder / "server-key.pem"
        self._authority.cert_pem.write_to_path(str(self.ca))
        self._caller = self._authority.issue_cert("caller.test")
        self.issue()

    def issue(self) -> bytes:
        """Give the server a new certificate in place of the former one; returns it in DER."""
        issued = self._authority.issue_cert("127.0.0.1", "localhost")
        self.key.write_bytes(issued.private_key_pem.bytes())
        self.certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        return ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())

    def settings(self, *, asks_callers: bool = False) -> TlsSettings:
        """Of a server that presents this certificate, and may want to see its callers'."""
        return TlsSettings(
            certificate=self.certificate, private_key=self.key, client_ca=self.ca if asks_callers else None
        )

    def trust(self, *, shows_certificate: bool = False) -> ssl.SSLContext:
        """Of an HTTP caller who trusts the authority."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if shows_certificate:
            self._caller.configure_cert(context)
        return context

    def rpc_trust(self, *, shows_certificate: bool = False) -> grpc.ChannelCredentials:
        """Of a gRPC caller who trusts the authority."""
        if not shows_certificate:
            return grpc.ssl_channel_credentials(self.ca.read_bytes())
        chain = b"".join(pem.bytes() for pem in self._caller.cert_chain_pems)
        return grpc.ssl_channel_credentials(self.ca.read_bytes(), self._caller.private_key_pem.bytes(), chain)


def age(path: Path) -> None:
    """Let a file look changed, whatever the clock of the file system can tell apart."""
    stamp_ns = path.stat().st_mtime_ns + 1_000_000_000
    os.utime(path, ns=(stamp_ns, stamp_ns))
