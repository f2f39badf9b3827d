"""Asks as HTTP requests; opens no connection."""

import secrets
from dataclasses import dataclass, field

from service.client.asks import Ask, CodeRows, Files, Load
from service.images import render_npy

_JSON, _NPY, _RAW = "application/json", "application/x-npy", "application/octet-stream"
# Above so many rows the service leaves the headers out that have verdicts of pictures, and notes.
_MAX_HEADER_ROWS = 64
_PATHS = {"models": "/models", "ready": "/readyz"}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request.

    Attributes:
        method: GET or POST.
        path: Its path.
        query: Its parameters.
        headers: Its headers.
        body: Its body, or None.
    """

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


def build_request(ask: Ask, timeout_s: float, request_id: str) -> HttpRequest:
    """The request of an ask."""
    headers = {"X-Request-ID": request_id}
    if ask.load is None:
        return HttpRequest("GET", _PATHS[ask.operation], headers=headers)
    media_type, body = _render_load(ask.load)
    accept = _JSON if wants_document(ask) else _NPY
    headers |= {"Content-Type": media_type, "Accept": accept, "X-Request-Timeout": f"{timeout_s:.3f}"}
    return HttpRequest("POST", f"/{ask.operation}", _build_query(ask), headers, body)


def wants_document(ask: Ask) -> bool:
    """True if its answer is to be JSON, since npy cannot carry all of it."""
    has_headers = ask.operation == "reconstruct" or ask.preprocess == "mnist"
    return ask.include_normalised or (has_headers and len(ask) > _MAX_HEADER_ROWS)


def _build_query(ask: Ask) -> dict[str, str]:
    query: dict[str, str] = {}
    if ask.selector.version is not None:
        query["version"] = str(ask.selector.version)
    if ask.selector.label is not None:
        query["label"] = ask.selector.label
    if ask.preprocess != "strict":
        query["preprocess"] = ask.preprocess
    if ask.include_normalised:
        query["include"] = "normalised"
    if ask.operation in {"reconstruct", "score"}:
        query["threshold"] = f"{ask.threshold:.17g}"
    return query


def _render_load(load: Load) -> tuple[str, bytes]:
    """Content type and body."""
    if isinstance(load, Files):
        return _render_form(load.files)
    if isinstance(load, CodeRows):
        return _NPY, render_npy(load.codes)
    return _RAW, load.images.tobytes()


def _render_form(files: tuple[bytes, ...]) -> tuple[str, bytes]:
    """A form with the files (RFC 7578); the service tells their formats by their bytes."""
    boundary = secrets.token_hex(16)
    pieces: list[bytes] = []
    for index, file in enumerate(files):
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="images"; filename="{index}"\r\n'
        pieces += [head.encode(), b"Content-Type: application/octet-stream\r\n\r\n", file, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(pieces)
