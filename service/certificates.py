"""Reads files of certificates and keys, and says in one line what is wrong with one."""

import ssl
from pathlib import Path

from service.startup import CannotStartError

# In both forms of PEM that have a password.
_ENCRYPTED = b"ENCRYPTED"


class UnusableCertificateError(CannotStartError):
    """A file of certificates or keys cannot be used; the text names the setting and the file."""


def read_file(path: Path, setting: str) -> bytes:
    """The bytes of a file.

    Args:
        path: Where it is.
        setting: The variable that names it.

    Raises:
        UnusableCertificateError: If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unusable(setting, path, error) from error


def load_authorities(context: ssl.SSLContext, path: Path, setting: str) -> None:
    """Trust the authorities of a file.

    Raises:
        UnusableCertificateError: If it cannot be read or holds none.
    """
    try:
        context.load_verify_locations(path)
    except OSError as error:
        raise _unusable(setting, path, error) from error


def load_pair(context: ssl.SSLContext, certificate: Path, key: Path, settings: tuple[str, str]) -> None:
    """Present a certificate chain and own its key.

    Args:
        context: What is to present them.
        certificate: The chain.
        key: The key of its first certificate.
        settings: The variables that name the two.

    Raises:
        UnusableCertificateError: If one cannot be read or is not what its setting says, or they differ.
    """
    # Read first: OpenSSL does not say which of the two it could not open.
    for path, setting in zip((certificate, key), settings, strict=True):
        if _ENCRYPTED in read_file(path, setting):
            raise UnusableCertificateError(f"cannot use {path} of {setting}: the key in it is encrypted")
    try:
        # Without a password it would ask the terminal for that of an encrypted key.
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        raise _unusable(" or ".join(settings), f"{certificate}, {key}", error) from error


def _unusable(setting: str, path: Path | str, error: OSError) -> UnusableCertificateError:
    reason = error.strerror if not isinstance(error, ssl.SSLError) else (error.reason or error.args[-1])
    return UnusableCertificateError(f"cannot use {path} of {setting}: {reason}")
