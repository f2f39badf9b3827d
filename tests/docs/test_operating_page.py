"""docs/operating.md has a row for whatever an operator may meet: reasons, events, fields, settings."""

import re
from collections.abc import Iterator

import pytest
from support.fakes import count_images
from support.http_door import LineLog, build_context, open_client
from support.metric_names import REPOSITORY, read_documented, read_registered

from service.api.http.problems import PROBLEMS
from service.doors import build_gateway_app
from service.errors import DigitCodecError
from service.settings import Settings

PAGE = (REPOSITORY / "docs" / "operating.md").read_text(encoding="utf-8")
PAGES = ("docs/operating.md", "docs/metrics.md", "deploy/README.md")
# `_log.info("event"`, also where the call is broken after its bracket; a request's line is written elsewhere.
_EVENT = re.compile(r'log\.(?:debug|info|warning|error|exception)\(\s*"(\w+)"')
# Written by the renderers beside what `request` is given.
_ADDED = {"left_out", "exception"}


def read_table(heading: str) -> list[list[str]]:
    """The cells of the rows of the first table below a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2]
    (table,) = re.findall(r"^\| --- .*\n((?:\|.*\n)+)", section, re.MULTILINE)[:1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def find_words(text: str) -> set[str]:
    """What stands in backticks."""
    return set(re.findall(r"`(\w+)`", text))


def list_errors(kind: type[DigitCodecError] = DigitCodecError) -> Iterator[type[DigitCodecError]]:
    """A class of the tree, and all below it."""
    yield kind
    for each in kind.__subclasses__():
        yield from list_errors(each)


def test_every_reason_has_a_row() -> None:
    """Of the error tree and of the HTTP door's own; and no other."""
    documented = set().union(*(find_words(row[0]) for row in read_table("Reasons")))
    # Other tests make errors of their own; those of the service have a place in its tables.
    reasons = {kind.reason for kind in list_errors() if kind.__module__.startswith("service.")}

    assert reasons | {kind.reason for kind in PROBLEMS} | {"client_disconnected"} == documented


def test_every_event_has_a_row() -> None:
    """As the sources write them."""
    sources = [path.read_text(encoding="utf-8") for path in (REPOSITORY / "service").rglob("*.py")]
    events = {event for source in sources for event in _EVENT.findall(source)}

    assert {"version_available", "no_versions_found", "library"} <= events | {"library"}
    assert set() == {event for event in events if f"`{event}`" not in PAGE}


async def test_every_field_of_a_request_line_has_a_row() -> None:
    """In the order in which they are written."""
    log = LineLog()
    async with open_client(build_gateway_app(build_context(log=log))) as client:
        raw = {"content-type": "application/octet-stream"}
        await client.post("/score", content=count_images(1).tobytes(), headers=raw)
    ((_, event, fields),) = log.lines
    documented = [next(iter(find_words(row[0]))) for row in read_table("The log")]

    assert "request" == event
    assert list(fields) == [name for name in documented if name not in _ADDED]


@pytest.mark.parametrize("page", PAGES)
def test_settings_and_metrics_that_are_named_exist(page: str) -> None:
    """A misspelt one would be refused at start, or never found."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    settings = {f"{group}__{name}".upper() for group in Settings.model_fields for name in list_settings(group)}
    named = set(re.findall(r"DIGITCODEC_([A-Z_]+__[A-Z_]+[A-Z])", text))
    metrics = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"digitcodec_\w+[a-z]", text)}

    assert set() == named - settings
    assert set() == {name for name in metrics if not any(each.startswith(name) for each in read_documented())}


def list_settings(group: str) -> set[str]:
    """The names of a group's settings, of all kinds that it may have."""
    annotation = Settings.model_fields[group].annotation
    kinds = [annotation, *getattr(annotation, "__args__", ())]
    kinds += [inner for kind in kinds for inner in getattr(kind, "__args__", ())]
    return {name for kind in kinds for name in getattr(kind, "model_fields", {})}


def test_links_lead_to_a_heading_or_a_row() -> None:
    """Of this page, and files of the repository."""
    anchors = set(re.findall(r'<a id="([\w-]+)">', PAGE))
    anchors |= {
        re.sub(r"[^\w -]", "", each).strip().lower().replace(" ", "-")
        for each in re.findall(r"^##+ (.*)$", PAGE, re.MULTILINE)
    }
    links = re.findall(r"\]\(([^)#]*)#?([^)]*)\)", PAGE)

    assert set() == {anchor for path, anchor in links if not path and anchor not in anchors}
    assert set() == {path for path, _ in links if path and not (REPOSITORY / "docs" / path).exists()}


def test_metrics_page_names_each_metric_once() -> None:
    """So that a search finds its row."""
    text = (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")

    assert [1] * len(read_registered()) == [text.count(f"\n| `{name}` |") for name in read_registered()]
