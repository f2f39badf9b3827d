"""The playground's files: what a browser gets, what it may keep, and that they need nothing from elsewhere."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from support.http_door import build_context, build_door, open_client
from support.key_gate import RingGate

from service.api.http.playground import FILES, load_files
from service.doors import build_gateway_app
from service.images import Note

WEB = Path(__file__).resolve().parents[3] / "service" / "web"
_IMPORT = re.compile(r"^(?:import|export) .*?from \"(\./[^\"]+)\"", re.MULTILINE)
_TYPE_IMPORT = re.compile(r"import\(\"(\./[^\"]+)\"\)")
# Addresses of articles and of namespaces; nothing is fetched from them.
_NAMED = re.compile(r"https?://[^\s\"'`)]+")
_NAMES_ALONE = {
    "http://www.w3.org/2000/svg",
    "https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html",
    "https://www.w3.org/TR/png-3/",
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the door."""
    async with open_client(build_door()) as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/web/css/base.css", "text/css; charset=utf-8"),
        ("/web/js/app.js", "text/javascript; charset=utf-8"),
        ("/web/code_map.json", "application/json"),
        ("/web/icons/icon.svg", "image/svg+xml"),
        ("/web/samples/seven.png", "image/png"),
    ],
)
async def test_files_come_as_what_they_are(client: httpx.AsyncClient, path: str, media_type: str) -> None:
    """The bytes of the disk, with a type that a browser believes, as it may not guess."""
    answer = await client.get(path)
    name = "index.html" if path == "/" else path.removeprefix("/web/")

    assert (200, media_type, "nosniff") == (
        answer.status_code,
        answer.headers["content-type"],
        answer.headers["x-content-type-options"],
    )
    assert (WEB / name).read_bytes() == answer.content


async def test_policy_allows_no_inline_code_and_no_other_host(client: httpx.AsyncClient) -> None:
    """Scripts, styles and requests of this origin alone; no frame around it."""
    policy = (await client.get("/")).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    assert ["'none'", "'self'", "'self'", "'self'"] == [
        rules[name] for name in ("default-src", "script-src", "style-src", "connect-src")
    ]
    assert ["'none'"] * 3 == [rules[name] for name in ("base-uri", "form-action", "frame-ancestors")]


async def test_page_has_nothing_that_its_policy_forbids(client: httpx.AsyncClient) -> None:
    """No inline script, no style attribute, no handler."""
    page = (await client.get("/")).text

    assert [] == re.findall(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*src=)|javascript:", page)


@pytest.mark.parametrize("known", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
async def test_known_file_is_not_sent_again(client: httpx.AsyncClient, known: str) -> None:
    """304 with the same headers, and no body."""
    first = await client.get("/web/js/app.js")
    again = await client.get("/web/js/app.js", headers={"if-none-match": known.format(etag=first.headers["etag"])})

    assert (304, b"", first.headers["etag"], "no-cache") == (
        again.status_code,
        again.content,
        again.headers["etag"],
        again.headers["cache-control"],
    )


async def test_other_file_is_sent(client: httpx.AsyncClient) -> None:
    """A tag of former bytes is no reason to keep them."""
    answer = await client.get("/web/js/app.js", headers={"if-none-match": '"former"'})

    assert (200, True) == (answer.status_code, len(answer.content) > 0)


@pytest.mark.parametrize(
    "path", ["/web/", "/web/nowhere.js", "/web/../__init__.py", "/web/%2e%2e/__init__.py", "/web/js", "/web/index.html"]
)
async def test_what_is_no_file_of_the_page_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    """A problem document, as for every route that is not there; the package's other files are out of reach."""
    answer = await client.get(path)

    assert (404, "not_found") == (answer.status_code, answer.json()["reason"])


async def test_page_needs_no_key() -> None:
    """All of its files, and nothing else below their folder: the rest is closed as all that there is not."""
    async with open_client(build_gateway_app(build_context(gate=RingGate()))) as client:
        statuses = {(await client.get(path)).status_code for path in FILES}
        closed = await client.get("/web/nowhere.js")

    assert ({200}, 401) == (statuses, closed.status_code)


async def test_page_is_no_part_of_the_api(client: httpx.AsyncClient) -> None:
    """Programs find no picture or script in the document that is written for them."""
    document = (await client.get("/openapi.json")).json()

    assert [] == [path for path in document["paths"] if path == "/" or path.startswith("/web")]


def test_every_file_that_is_named_exists() -> None:
    """What the page loads, and what its modules import."""
    page = FILES["/"].body.decode()
    loaded = {f"/{path}" for path in re.findall(r"(?:href|src)=\"(web/[^\"]+)\"", page)}
    scripts = {path: file.body.decode() for path, file in FILES.items() if path.endswith(".js")}
    imported = {
        f"/web/js/{name.removeprefix('./')}"
        for text in scripts.values()
        for name in [*_IMPORT.findall(text), *_TYPE_IMPORT.findall(text)]
    }

    assert set() == (loaded | imported) - FILES.keys()
    assert set() == scripts.keys() - imported - loaded


def test_no_file_names_another_host() -> None:
    """But in comments that say where something is described."""
    texts = [file.body.decode() for file in FILES.values() if not file.media_type.startswith("image/png")]

    assert set() == {name for text in texts for name in _NAMED.findall(text)} - _NAMES_ALONE


def test_every_element_that_is_looked_for_is_on_the_page() -> None:
    """Scripts find elements by ids."""
    page = FILES["/"].body.decode()
    ids = set(re.findall(r"\sid=\"([^\"]+)\"", page))
    scripts = "\n".join(file.body.decode() for path, file in FILES.items() if path.endswith(".js"))

    assert set() == set(re.findall(r"find\(\"([^\"]+)\"\)", scripts)) - ids


def test_every_note_has_words() -> None:
    """What the service says of a picture by a word, the page says in a sentence."""
    words = re.search(r"const NOTES = \{(.*?)\};", FILES["/web/js/codec.js"].body.decode(), re.DOTALL)
    assert words

    assert {note.value for note in Note} == set(re.findall(r"^  (\w+):", words[1], re.MULTILINE))


def test_other_files_of_a_folder_are_passed_over(tmp_path: Path) -> None:
    """An editor's leftovers are not served."""
    for name in ("index.html", "notes.txt", "app.js~"):
        (tmp_path / name).write_text("x")

    assert ["/"] == list(load_files(tmp_path))
