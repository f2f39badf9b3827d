"""The documentation builds as a site: every page is reached, every link leads somewhere, no other host is asked."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from docs.website.build import REPOSITORY
from docs.website.repository import find_groups, leave_folders_plain

START = Path("docs/index.html")
# Attributes by which a page fetches something, and where `href` does: an `<a>` waits for a click.
_FETCHED = {"src", "srcset", "data", "poster"}
_FETCHING = {"link", "script", "img", "iframe", "source", "object", "video", "audio"}
_OTHER_HOST = re.compile(r"""(?:url\(|@import|fetch\(|importScripts\()\s*['"]?(?:https?:)?//""")


class Page(HTMLParser):
    """What a page names.

    Attributes:
        anchors: Its ids.
        links: What it leads to by a click.
        fetched: What a browser fetches to show it.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag names."""
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif tag in _FETCHING and name in {*_FETCHED, "href"} and value:
                self.fetched.append(value)
            elif name == "href" and value:
                self.links.append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` builds it."""
    target = tmp_path_factory.mktemp("built") / "site"
    assert (0, "") == build(REPOSITORY, target)
    return target


def build(source: Path, target: Path) -> tuple[int, str]:
    """Status and complaints of a build, in a process of its own: Sphinx changes much in the one that it runs in."""
    command = [sys.executable, "-m", "docs.website", str(target), "--source", str(source)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=280, check=False)
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Every page by its path in the site."""
    return {path.relative_to(site): Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_every_markdown_page_is_reached_from_the_start(pages: Mapping[Path, Page], site: Path) -> None:
    """By clicks alone: the README, the decisions and what stands beside the service too."""
    sources = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), REPOSITORY / "deploy" / "README.md"]
    wanted = {path.relative_to(REPOSITORY).with_suffix(".html") for path in sources}

    assert len(wanted) > 30
    assert set() == wanted - walk(START, pages, site)


def walk(start: Path, pages: Mapping[Path, Page], site: Path) -> set[Path]:
    """All pages that clicks lead to from one, itself included."""
    seen, waiting = {start}, [start]
    while waiting:
        page = waiting.pop()
        found = {target for target, _ in list_targets(page, pages[page].links, site) if target in pages}
        waiting += found - seen
        seen |= found
    return seen


def list_targets(page: Path, links: list[str], site: Path) -> Iterator[tuple[Path, str]]:
    """File in the site and anchor of each link that does not leave it."""
    for link in links:
        parts = urlsplit(link)
        if not parts.scheme and not parts.netloc:
            place = (site / page).parent / unquote(parts.path) if parts.path else site / page
            yield place.resolve().relative_to(site.resolve()), unquote(parts.fragment)


def test_every_link_leads_to_a_file_and_an_anchor(pages: Mapping[Path, Page], site: Path) -> None:
    """Whatever the builder thought of it."""
    targets = {(page, *target) for page, found in pages.items() for target in list_targets(page, found.links, site)}
    targets |= {(page, *target) for page, found in pages.items() for target in list_targets(page, found.fetched, site)}

    assert [] == [each for each in targets if not (site / each[1]).is_file()]
    assert [] == [
        (page, target, anchor)
        for page, target, anchor in targets
        if anchor and target in pages and anchor not in pages[target].anchors
    ]


def test_no_page_fetches_from_another_host(pages: Mapping[Path, Page], site: Path) -> None:
    """Neither fonts nor scripts nor pictures, and no style or script does."""
    fetched = {link for page in pages.values() for link in page.fetched}
    texts = [path for suffix in ("css", "js", "html") for path in site.rglob(f"*.{suffix}")]

    assert len(fetched) > 10
    assert set() == {link for link in fetched if urlsplit(link).netloc}
    assert [] == [path for path in texts if _OTHER_HOST.search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[gone](gone.md)", "gone.md"),
        ("[gone](other.md#gone)", "gone"),
        ("![gone](gone.png)", "gone.png"),
    ],
)
def test_dead_link_fails_the_build(text: str, complaint: str, tmp_path: Path) -> None:
    """A page, a heading or a picture that is not there."""
    write_docs(tmp_path, index=f"# Top\n\n{text}\n\n## Pages\n\n[other](other.md)\n")

    status, complaints = build(tmp_path, tmp_path / "site")

    assert 1 == status
    assert complaint in complaints


def test_page_that_the_index_does_not_name_fails_the_build(tmp_path: Path) -> None:
    """It would be found by nobody."""
    write_docs(tmp_path, index="# Top\n")

    status, complaints = build(tmp_path, tmp_path / "site")

    assert 1 == status
    assert "other.md" in complaints


def test_whole_small_site_builds(tmp_path: Path) -> None:
    """The three tests above fail by what they name, and not by what is around it."""
    write_docs(tmp_path, index="# Top\n\n## Pages\n\n[other](other.md)\n")

    assert (0, "") == build(tmp_path, tmp_path / "site")


def write_docs(folder: Path, *, index: str) -> None:
    """A repository of two pages."""
    (folder / "docs").mkdir()
    (folder / "docs" / "index.md").write_text(index)
    (folder / "docs" / "other.md").write_text("# Other\n")


def test_sections_of_the_index_are_the_groups_of_the_navigation() -> None:
    """With pages above the folder, and folders of pages."""
    index = "# Top\n[no](no.md)\n## One\n- [A](a.md), [B](../README.md)\n## Two\n[C](adr/)\n"

    assert [("One", ["A </docs/a>", "B </README>"]), ("Two", ["/docs/adr/*"])] == list(find_groups(index))


def test_links_to_folders_become_words(tmp_path: Path) -> None:
    """Others stay links."""
    (tmp_path / "deploy").mkdir()

    assert "see deploy and [a](a.md)" == leave_folders_plain("see [deploy](deploy) and [a](a.md)", tmp_path)
