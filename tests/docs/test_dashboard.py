"""deploy/grafana/digitcodec.json asks for series that exist, and says of each panel what to do."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.metric_names import (
    REPOSITORY,
    find_strangers,
    list_series,
    read_registered,
    read_registered_by_workers,
)
from support.promql import NoPromqlError, Query, parse_promql
from support.promtool import NEEDS_PROMTOOL, run_promtool

DASHBOARD = json.loads((REPOSITORY / "deploy" / "grafana" / "digitcodec.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ROWS = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
VARIABLES = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
_LABEL_VALUES = re.compile(r"label_values\((.+), (\w+)\)")


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, frozenset[str]]:
    """Every series that a service has, of one process or of several workers."""
    return list_series({**read_registered(), **read_registered_by_workers(tmp_path_factory.mktemp("workers"))})


def list_targets() -> list[tuple[str, str, str]]:
    """Title, expression and legend of each query, with values for what Grafana puts in."""
    targets = [(panel["title"], each["expr"], each["legendFormat"]) for panel in PANELS for each in panel["targets"]]
    targets += [(each["name"], each["expr"], "") for each in DASHBOARD["annotations"]["list"] if "expr" in each]
    return [(title, fill_in(expression), legend) for title, expression, legend in targets]


def fill_in(expression: str) -> str:
    """What Grafana makes of an expression before it asks Prometheus."""
    expression = expression.replace("$__rate_interval", "5m")
    return re.sub(r"\$(\w+)", lambda name: VARIABLES[name[1]]["allValue"], expression)


@pytest.mark.parametrize(("title", "expression", "legend"), list_targets())
def test_queries_ask_for_series_and_labels_that_exist(
    title: str, expression: str, legend: str, series: Mapping[str, frozenset[str]]
) -> None:
    """Names, labels in braces, labels that are grouped by, and labels of the legend."""
    query = parse_promql(expression)
    shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
    available = query.groupings or set().union(*(series[each.name] for each in query.selectors))

    assert set() == find_strangers(query, series)
    assert set() == shown - available


@pytest.mark.parametrize("name", ["job", "instance", "operation"])
def test_variables_are_found_among_labels_that_exist(name: str, series: Mapping[str, frozenset[str]]) -> None:
    """Grafana's `label_values` is no PromQL, but what stands in it is."""
    match = _LABEL_VALUES.fullmatch(VARIABLES[name]["query"]["query"])

    assert match is not None
    assert set() == find_strangers(parse_promql(fill_in(match[1])), series)
    assert match[2] in series[parse_promql(fill_in(match[1])).selectors[0].name]


def test_every_query_is_for_the_chosen_job_and_instances() -> None:
    """A second service in the same Prometheus must not mix in."""
    chosen = {("job", "=~", ".*"), ("instance", "=~", ".*")}

    for _, expression, _ in list_targets():
        for selector in parse_promql(expression).selectors:
            assert chosen <= set(selector.matchers), expression


@NEEDS_PROMTOOL
def test_prometheus_takes_every_query(tmp_path: Path) -> None:
    """Each as the expression of a rule, which promtool parses as the server does."""
    rules = [{"record": f"panel:{number}", "expr": each[1]} for number, each in enumerate(list_targets())]
    file = tmp_path / "rules.json"  # JSON is YAML
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))

    assert f"{len(rules)} rules found" in run_promtool("check", "rules", str(file))


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_panel_says_what_to_do_and_in_what_unit(panel: Mapping[str, Any]) -> None:
    """And asks the Prometheus that was chosen."""
    assert len(panel["description"]) > 20
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert "${datasource}" == panel["datasource"]["uid"]
    assert ["${datasource}"] * len(panel["targets"]) == [each["datasource"]["uid"] for each in panel["targets"]]


def test_panels_have_places_of_their_own() -> None:
    """Twenty-four columns wide, none over another, each with its own number and name."""
    cells = list(itertools.chain.from_iterable(list_cells(panel["gridPos"]) for panel in DASHBOARD["panels"]))

    assert len(cells) == len(set(cells))
    assert {0, 23} == {min(x for x, _ in cells), max(x for x, _ in cells)}
    assert len(DASHBOARD["panels"]) == len({panel["id"] for panel in DASHBOARD["panels"]})
    assert len(PANELS) == len({panel["title"] for panel in PANELS})


def list_cells(place: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    """Every cell that a panel covers."""
    return itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))


def test_dashboard_has_what_operators_look_for() -> None:
    """Its rows and variables, and every one of our own metrics but those that another says better."""
    asked = {each.name for _, expression, _ in list_targets() for each in parse_promql(expression).selectors}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}

    assert [
        "Now",
        "Traffic",
        "Latency",
        "Failures and refusals",
        "Queue and batches",
        "Model",
        "Drift",
        "Process",
    ] == ROWS
    assert ["datasource", "job", "instance", "operation"] == list(VARIABLES)
    assert set() == {name for name in read_registered() if name.startswith("digitcodec_")} - shown


@pytest.mark.parametrize(
    "expression", ["", "rate(x[5m]", "sum(x))", "rates(x[5m])", "x{a='b'}", "x ~ y", "5m", "sum by (a) (1)"]
)
def test_reader_refuses_what_it_cannot_read(expression: str) -> None:
    """Or the tests above could pass by understanding nothing."""
    with pytest.raises(NoPromqlError):
        parse_promql(expression)


def test_reader_finds_selectors_and_groupings() -> None:
    """Whatever stands around them."""
    query: Query = parse_promql(
        'topk(3, sum by (a, le) (rate(x_bucket{b="c",d=~"e|f"}[5m])) or on (g) y:z offset 1d > bool 0.5) and abs(w) > 2'
    )

    assert ["x_bucket", "y:z", "w"] == [each.name for each in query.selectors]
    assert (("b", "=", "c"), ("d", "=~", "e|f")) == query.selectors[0].matchers
    assert {"a", "le", "g"} == query.groupings
    assert {"x_bucket", "w", "a", "g", "le"} == find_strangers(query, {"y:z": frozenset()})
