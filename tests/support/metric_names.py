"""Which series there are, by the running registry and docs/metrics.md: dashboards and rules may ask for no others."""

import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from support.http_door import build_context
from support.promql import Query, Selector

REPOSITORY = Path(__file__).resolve().parents[2]
# The metrics of every service, and the table of those that only a service of several workers has.
_TABLE = re.compile(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)
_TABLE_OF_WORKERS = re.compile(r"^\| `(\w+)` \|([^|]*)\| (gauge|counter) \|", re.MULTILINE)
_TYPE = re.compile(r"^# TYPE (\w+) (\w+)$", re.MULTILINE)
_PARTS = {"histogram": ("_bucket", "_sum", "_count")}
# What Prometheus itself adds.
_SCRAPED = frozenset({"job", "instance"})
_PAGE_OF_A_WORKER = """
import sys
from pathlib import Path
from service.observability.shared import SharedPage
page = SharedPage(1, Path(sys.argv[1]), is_replacement=True)
from service.observability.metrics import Metrics
print(Metrics(page).render("")[0].decode())
"""


@cache
def read_documented() -> Mapping[str, tuple[str, frozenset[str]]]:
    """Type and labels of each metric of docs/metrics.md."""
    page = (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = _TABLE.findall(page) + [(name, kind, labels) for name, labels, kind in _TABLE_OF_WORKERS.findall(page)]
    return {name: (kind, frozenset(re.findall(r"\w+", labels))) for name, kind, labels in rows}


@cache
def read_registered() -> Mapping[str, str]:
    """Type of each metric of a service of one process."""
    return _find_types(build_context().metrics.render("")[0].decode())


@cache
def read_registered_by_workers(folder: Path) -> Mapping[str, str]:
    """Type of each metric of a worker among several; in a process of its own: the library is set up for all of one."""
    command = [sys.executable, "-c", _PAGE_OF_A_WORKER, str(folder)]
    page = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True)
    return _find_types(page.stdout)


def _find_types(page: str) -> dict[str, str]:
    """The type of each metric of a page of Prometheus' text format; not when each was made."""
    return {name: kind for name, kind in _TYPE.findall(page) if not name.endswith("_created")}


def list_series(types: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """The labels of every series of these metrics, those that Prometheus adds among them; they must be documented."""
    series = {}
    for name in types.keys() & read_documented().keys():
        kind, labels = types[name], read_documented()[name][1] | _SCRAPED
        for part in _PARTS.get(kind, ("",)):
            series[name + part] = labels | {"le"} if part == "_bucket" else labels
    return series


def find_strangers(query: Query, series: Mapping[str, frozenset[str]]) -> set[str]:
    """The series and labels that a query asks for and that do not exist."""
    known = [selector for selector in query.selectors if selector.name in series]
    strangers = {selector.name for selector in query.selectors} - series.keys()
    strangers |= {label for each in known for label in _list_labels(each) - series[each.name]}
    return strangers | query.groupings.difference(*(series[each.name] for each in known))


def _list_labels(selector: Selector) -> set[str]:
    return {label for label, _, _ in selector.matchers}
