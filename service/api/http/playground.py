"""The playground at `/`: static files of service/web, read once at the start; they ask the same routes as everybody."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from fastapi import APIRouter, Request, Response

from service.errors import NotFoundError

_FOLDER = Path(__file__).resolve().parents[2] / "web"
_PREFIX = "/web/"

_MEDIA_TYPES = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".png": "image/png",
        ".svg": "image/svg+xml",
    }
)

_HEADERS = MappingProxyType(
    {
        # Scripts, styles and requests of this origin alone; pictures also as answers hold them. No inline code.
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        # Names carry no version: a browser keeps a file and asks each time whether it is still good.
        "cache-control": "no-cache",
    }
)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file of the playground.

    Attributes:
        body: Its bytes.
        media_type: What it is.
        etag: Changes with the bytes.
    """

    body: bytes
    media_type: str
    etag: str


def load_files(folder: Path = _FOLDER) -> Mapping[str, StaticFile]:
    """Every file below a folder by its path on the service; the index page is `/`.

    Files whose ending is not one of a page's are passed over.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix in _MEDIA_TYPES]
    return MappingProxyType({_find_address(path.relative_to(folder)): _load(path) for path in paths})


def _find_address(path: Path) -> str:
    return "/" if path == Path("index.html") else _PREFIX + path.as_posix()


def _load(path: Path) -> StaticFile:
    body = path.read_bytes()
    return StaticFile(body, _MEDIA_TYPES[path.suffix], f'"{hashlib.sha256(body).hexdigest()[:32]}"')


FILES = load_files()
"""The playground by path. Whoever may read the repository may read it: no key is asked for."""


def build_playground_router() -> APIRouter:
    """The routes of the playground, which are no part of the API."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def root(request: Request) -> Response:
        return _answer("/", request)

    @router.get(_PREFIX + "{path:path}")
    async def web(path: str, request: Request) -> Response:
        return _answer(_PREFIX + path, request)

    return router


def _answer(path: str, request: Request) -> Response:
    file = FILES.get(path)
    if file is None:
        raise NotFoundError(f"there is no route {path[:200]}")
    headers = {**_HEADERS, "etag": file.etag}
    if _is_known(request.headers.get("if-none-match", ""), file.etag):
        return Response(status_code=304, headers=headers)
    return Response(file.body, headers={**headers, "content-type": file.media_type})


def _is_known(known: str, etag: str) -> bool:
    """Whether a browser has these bytes; proxies that compress mark a tag as weak (RFC 9110, 13.1.2)."""
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in known.split(","))
