"""A container's health: `health.py [URL]` ends with 0 if the service inside has started and answers.

Without a URL it asks the gateway of this container. It runs every few seconds, so it imports nothing of the service.
"""

import os
import socket
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

_TIMEOUT_S = 2.0


def main(environment: Mapping[str, str], url: str | None = None) -> int:
    """Look once, and say on standard error what is wrong; returns the exit status."""
    try:
        if url is None and "DIGITCODEC_TLS__CLIENT_CA" in environment:
            _connect(find_port(environment))
        else:
            _ask(url or find_url(environment))
    except OSError as error:  # urllib's errors are such, too
        print(f"not healthy: {error}", file=sys.stderr)
        return 1
    return 0


def find_url(environment: Mapping[str, str]) -> str:
    """Where this container's gateway says whether it has started."""
    scheme = "https" if "DIGITCODEC_TLS__CERTIFICATE" in environment else "http"
    return f"{scheme}://127.0.0.1:{find_port(environment)}/startupz"


def find_port(environment: Mapping[str, str]) -> int:
    """The gateway's port for HTTP."""
    return int(environment.get("DIGITCODEC_HTTP__PORT", "8000"))


def _ask(url: str) -> None:
    """Raises: OSError, if there is no answer or one of 400 and above."""
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S, context=_trust_anybody()):  # noqa: S310 - our own, or given
        return


def _trust_anybody() -> ssl.SSLContext:
    """The certificate is for other names, and on its own loopback a container needs no proof of who answers."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _connect(port: int) -> None:
    """All that can be seen without a certificate of a client. Raises: OSError, if the port takes no connection."""
    socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S).close()


if __name__ == "__main__":
    sys.exit(main(os.environ, *sys.argv[1:2]))
