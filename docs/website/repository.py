"""A Sphinx extension that reads pages as code hosts do: the index leads, anchors count, folders are no pages."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sphinx.application import Sphinx

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[([^][]*)\]\(([^):#]+)\)")
_ANCHOR = re.compile(r'<a id="([\w-]+)"></a>')


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls with itself."""
    app.connect("source-read", read_page)
    return {"parallel_read_safe": True}


def read_page(app: Sphinx, page: str, source: list[str]) -> None:
    """Turn the text of a page into what Sphinx understands of it; `source` is its only element, and changed."""
    text = leave_folders_plain(source[0], Path(app.srcdir, page).parent)
    # Sphinx leads to no anchor that is HTML; this is its own way to write the same.
    text = _ANCHOR.sub(r"[]{#\1}", text)
    if page == app.config.root_doc:
        text += "".join(render_toctree(*group) for group in find_groups(source[0]))
    source[0] = text


def leave_folders_plain(text: str, folder: Path) -> str:
    """The text with words in place of links to folders of the repository: the site has its pages, not its sources."""
    return _LINK.sub(lambda link: link[1] if (folder / link[2]).is_dir() else link[0], text)


def find_groups(index: str) -> Iterator[tuple[str, list[str]]]:
    """Heading and entries of each section of the index: the groups of the site's navigation, in its order."""
    _, *parts = _SECTION.split(index)
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        yield heading, [name_entry(*link) for link in _LINK.findall(text)]


def name_entry(title: str, target: str) -> str:
    """How Sphinx names what a link of the index leads to; a folder stands for all its pages, by titles of their own."""
    path = posixpath.normpath(posixpath.join("/docs", target))
    return f"{path}/*" if target.endswith("/") else f"{title} <{PurePosixPath(path).with_suffix('')}>"


def render_toctree(heading: str, entries: list[str]) -> str:
    """The directive for one group, which shows in the navigation alone."""
    return "\n".join(["", "```{toctree}", ":hidden:", ":glob:", f":caption: {heading}", "", *entries, "```", ""])
