"""The certificate that both doors present, kept up with its files."""

import ssl
import threading
import time
from pathlib import Path

import grpc
import structlog

from service.certificates import UnusableCertificateError, load_authorities, load_pair, read_file
from service.settings import TlsSettings

_log = structlog.get_logger()

_PREFIX = "DIGITCODEC_TLS__"
_PAIR = (_PREFIX + "CERTIFICATE", _PREFIX + "PRIVATE_KEY")
_CLIENT_CA = _PREFIX + "CLIENT_CA"

# Between two looks at the files.
LOOK_INTERVAL_S = 1.0
# Files are replaced one after the other, at once; who finds them changed so often is not looking at a renewal.
_ATTEMPTS = 3


class ServerCertificate:
    """What TLS needs, for both doors; looks for new files when a connection comes, at most once a second.

    gRPC asks from threads of its own.
    """

    def __init__(self, certificate: Path, private_key: Path, client_ca: Path | None) -> None:
        """Read the files.

        Raises:
            UnusableCertificateError: If one cannot be used.
        """
        self._pair = (certificate, private_key)
        self._client_ca = client_ca
        self._lock = threading.Lock()
        self._looked_s = time.monotonic()
        self._stamps = self._read_stamps()
        self._load()

    def find_context(self) -> ssl.SSLContext:
        """What a new HTTP connection needs."""
        self._look()
        return self._context

    def build_rpc_credentials(self) -> grpc.ServerCredentials:
        """What a gRPC port needs; it asks for news at each connection."""
        given = self._configuration

        def find_news() -> grpc.ServerCertificateConfiguration | None:
            nonlocal given
            self._look()
            if given is self._configuration:
                return None
            given = self._configuration
            return given

        # The stubs do not know that None means no news.
        return grpc.dynamic_ssl_server_credentials(given, find_news, self._client_ca is not None)  # type: ignore[arg-type]

    def _look(self) -> None:
        """Take new files; those that cannot be used are reported once, and the former ones stay."""
        with self._lock:
            now_s = time.monotonic()
            if now_s - self._looked_s < LOOK_INTERVAL_S:
                return
            self._looked_s = now_s
            stamps = self._read_stamps()
            if stamps != self._stamps:
                self._stamps = stamps
                self._renew()

    def _renew(self) -> None:
        try:
            self._load()
        except UnusableCertificateError as error:
            _log.error("certificate_not_renewed", error=str(error))
        else:
            _log.info("certificate_renewed", certificate=str(self._pair[0]))

    def _load(self) -> None:
        """Read everything anew, and only then use it: both doors the same, and what was found good."""
        for _ in range(_ATTEMPTS):
            contents = self._read()
            context = _build_context(self._pair, self._client_ca)  # OpenSSL reads the files itself
            if contents == self._read():
                certificate, key, authorities = contents
                self._configuration = grpc.ssl_server_certificate_configuration([(key, certificate)], authorities)
                self._context = context
                return
        raise UnusableCertificateError(
            f"cannot use {self._pair[0]} of {_PAIR[0]}: the files change while they are read"
        )

    def _read(self) -> tuple[bytes, bytes, bytes | None]:
        """The chain, its key, and the authorities for clients."""
        certificate, key = (read_file(path, name) for path, name in zip(self._pair, _PAIR, strict=True))
        return certificate, key, None if self._client_ca is None else read_file(self._client_ca, _CLIENT_CA)

    def _read_stamps(self) -> list[tuple[int, ...] | None]:
        """What changes with the files, also where a link is turned to another folder."""
        return [_read_stamp(path) for path in (*self._pair, self._client_ca) if path is not None]


def load_certificate(settings: TlsSettings) -> ServerCertificate | None:
    """The certificate that the settings name; None without TLS.

    Raises:
        UnusableCertificateError: If a file cannot be read or is not what its setting says, or if the key is another's.
    """
    if settings.certificate is None or settings.private_key is None:
        return None
    return ServerCertificate(settings.certificate, settings.private_key, settings.client_ca)


def _build_context(pair: tuple[Path, Path], client_ca: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load_pair(context, *pair, _PAIR)
    if client_ca is not None:
        load_authorities(context, client_ca, _CLIENT_CA)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _read_stamp(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:  # reported by whoever then reads it
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
