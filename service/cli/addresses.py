"""The service that a command is to ask, and what to do when it does not answer as it should."""

import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from service.cli.errors import CliError, UsageError
from service.client import (
    Client,
    ClientError,
    DeadlineExceededError,
    InvalidCodeError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
    Retries,
    UnauthenticatedError,
    UnexpectedAnswerError,
    UnreachableError,
)

# Not DIGITCODEC_*: those are the service's settings, which refuse names that they do not know.
SERVER = "DIGITCLI_SERVER"
KEY = "DIGITCLI_KEY"

_ADVICE: tuple[tuple[type[ClientError], str], ...] = (
    (UnreachableError, "`digitcodec doctor --server {url}` says more"),
    (NotReadyError, "`digitcodec doctor --server {url}` says more"),
    (UnauthenticatedError, f"name the key with --key-file or {KEY}"),
    (NotFoundError, "`digitcodec models --server {url}` lists what there is"),
    (InvalidCodeError, "codes belong to the version that made them: name it with --version"),
    (OverloadedError, "try again later, or with fewer --batch-rows"),
    (DeadlineExceededError, "raise --timeout-s, or lower --batch-rows"),
    (UnexpectedAnswerError, "look at the address: HTTP is on port 8000, gRPC on 8001"),
)


def find_url(options: Namespace) -> str | None:
    """The address that was named, by a flag or by the environment; None for the model in this process."""
    return options.server or os.environ.get(SERVER) or None


def find_key(options: Namespace) -> str | None:
    """The key, which is never an argument: everybody on the machine could read it there.

    Raises:
        UsageError: If its file cannot be read.
    """
    if options.key_file is None:
        return os.environ.get(KEY) or None
    try:
        return str(options.key_file.read_text().strip())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the key cannot be read: {error}") from error


def open_client(options: Namespace, url: str, retries: Retries | None = None) -> Client:
    """A client of a service; nothing is sent yet.

    Args:
        options: The flags.
        url: Its address.
        retries: How failed requests are tried again; by default as the client does.

    Raises:
        UsageError: If the address is none, a file cannot be used, or a package is missing.
    """
    key = find_key(options)
    try:
        return Client(url, key=key, timeout_s=options.timeout_s, retries=retries, ca=options.ca_file, cert=options.cert)
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed: pip install 'digitcodec[client]'") from error
    except (ValueError, OSError) as error:
        raise UsageError(f"{url} cannot be asked: {error}") from error


@contextmanager
def told_failures(url: str) -> Iterator[None]:
    """Inside, what the service refuses ends the command with one line that says what to do.

    Raises:
        CliError: Then.
    """
    try:
        yield
    except ClientError as error:
        error.rows = None  # counted within what was sent, which is not what was named
        raise CliError(describe(error, url)) from error


def describe(error: ClientError, url: str) -> str:
    """What happened, and a next step."""
    advice = find_advice(error, url)
    return f"{url}: {error}; {advice}" if advice else f"{url}: {error}"


def find_advice(error: ClientError, url: str) -> str:
    """A next step, or nothing."""
    return next((text.format(url=url) for kind, text in _ADVICE if isinstance(error, kind)), "")
