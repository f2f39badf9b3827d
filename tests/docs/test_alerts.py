"""deploy/prometheus: rules ask for series that exist, each alert leads to its place in the runbook, promtool agrees."""

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from support.fakes import FakeBackend, count_images
from support.http_door import build_context, open_client
from support.metric_names import (
    REPOSITORY,
    find_strangers,
    list_series,
    read_documented,
    read_registered,
    read_registered_by_workers,
)
from support.promql import parse_promql
from support.promtool import NEEDS_PROMTOOL, run_promtool

from service.api.http.pages import PROBES as OWN_PROBES
from service.api.inference.routes import PROBES as INFERENCE_PROBES
from service.api.tfserving.routes import PROBES as SERVING_PROBES
from service.codec import DEFAULT_THRESHOLD
from service.doors import build_gateway_app
from service.observability.metrics import Metrics

FOLDER = REPOSITORY / "deploy" / "prometheus"
RUNBOOK = "docs/operating.md"
TESTS = ("tests.yaml", "tests_days.yaml")
Rule = Mapping[str, Any]


def read_rules(name: str) -> list[Rule]:
    """The rules of all groups of a file."""
    return [rule for group in read_yaml(name)["groups"] for rule in group["rules"]]


def read_yaml(name: str) -> Any:
    """What a file says."""
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


RECORDS = read_rules("recording.yaml")
ALERTS = read_rules("alerts.yaml")


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, frozenset[str]]:
    """Every series that a service has, that Prometheus adds, and that the rules record."""
    scraped = list_series({**read_registered(), **read_registered_by_workers(tmp_path_factory.mktemp("workers"))})
    recorded = {rule["record"]: frozenset(parse_promql(rule["expr"]).groupings - {"le"}) for rule in RECORDS}
    return {**scraped, "up": frozenset({"job", "instance"}), **recorded}


@pytest.mark.parametrize("rule", RECORDS + ALERTS, ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_ask_for_series_and_labels_that_exist(rule: Rule, series: Mapping[str, frozenset[str]]) -> None:
    """Recorded ones among them; and the words of an alert for labels that it has."""
    query = parse_promql(rule["expr"])
    told = set(re.findall(r"\$labels\.(\w+)", str(rule.get("annotations", ""))))
    available = query.groupings.union(*(series[each.name] for each in query.selectors))

    assert set() == find_strangers(query, series)
    assert set() == told - available


def test_every_recorded_series_has_a_name_of_its_own() -> None:
    """Level, metric, operation, as Prometheus' documentation advises."""
    names = [rule["record"] for rule in RECORDS]

    assert len(names) == len(set(names))
    assert [] == [name for name in names if not re.fullmatch(r"[a-z_]+:[a-z0-9_]+:[a-z0-9_]+", name)]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_alert_leads_to_its_place_in_the_runbook(rule: Rule) -> None:
    """With a severity and a summary; its row there names it."""
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    (row,) = re.findall(rf'^.*<a id="{anchor}"></a>.*$', (REPOSITORY / page).read_text(encoding="utf-8"), re.MULTILINE)

    assert RUNBOOK == page
    assert rule["alert"] in row
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert "{{ $labels." in rule["annotations"]["summary"] or "absent(" in rule["expr"]


def test_every_alert_is_made_to_fire_and_not_to_fire() -> None:
    """By the tests that promtool runs."""
    cases = [case for name in TESTS for test in read_yaml(name)["tests"] for case in test["alert_rule_test"]]
    names = {rule["alert"] for rule in ALERTS}

    assert names == {case["alertname"] for case in cases if case["exp_alerts"]}
    assert names == {case["alertname"] for case in cases if not case["exp_alerts"]}


@pytest.mark.parametrize("name", TESTS)
def test_what_is_recorded_is_evaluated_first(name: str) -> None:
    """Without an order promtool takes one by chance, and an alert could look at what was recorded too long ago."""
    groups = [each["name"] for file in ("recording.yaml", "alerts.yaml") for each in read_yaml(file)["groups"]]

    assert groups == read_yaml(name)["group_eval_order"]


def test_failures_are_counted_of_operations_that_run_the_model() -> None:
    """Probes that say no while a replica starts are no failures."""
    chosen = {
        value
        for rule in RECORDS
        for selector in parse_promql(rule["expr"]).selectors
        for label, _, value in selector.matchers
        if label == "operation"
    }
    probes = {path.strip("/") for path in OWN_PROBES} | INFERENCE_PROBES | SERVING_PROBES

    (operations,) = chosen
    assert [] == [name for name in probes if re.fullmatch(operations, name)]
    assert all(re.fullmatch(operations, name) for name in ("encode", "decode", "reconstruct", "score", "predict"))


def test_thresholds_are_those_of_the_settings() -> None:
    """The promised share, and a bucket that ends at the default threshold."""
    expressions = {rule.get("alert") or rule["record"]: rule["expr"] for rule in RECORDS + ALERTS}
    bounds = set(re.findall(r'le="([\d.]+)"', " ".join(expressions.values())))
    buckets = re.findall(r'^digitcodec_anomaly_score_bucket{le="([\d.]+)"}', read_page(), re.MULTILINE)

    assert {f"{DEFAULT_THRESHOLD}"} == bounds <= set(buckets)
    assert f"> 5 * {1 - DEFAULT_THRESHOLD:.2f}" in expressions["DigitcodecManyAnomalies"]


def test_scrape_configuration_names_the_job_that_the_rules_look_for() -> None:
    """And reads both files of rules."""
    configuration = read_yaml("prometheus.yaml")
    jobs = [each["job_name"] for each in configuration["scrape_configs"]]
    wanted = {
        (operator, value)
        for rule in RECORDS + ALERTS
        for selector in parse_promql(rule["expr"]).selectors
        for label, operator, value in selector.matchers
        if label == "job"
    }

    assert ["digitcodec", "digitcodec-model-server"] == jobs
    assert {("=~", "digitcodec.*"), ("=", "digitcodec")} == wanted
    assert ["recording.yaml", "alerts.yaml"] == configuration["rule_files"]


def read_page() -> str:
    """The page of a service that has answered nobody."""
    return build_context().metrics.render("")[0].decode()


async def read_busy_page(accept: str = "text/plain") -> str:
    """The page of a service that has answered well, refused, and been asked for nothing."""
    metrics = Metrics()
    async with open_client(build_gateway_app(build_context(FakeBackend(), metrics=metrics))) as client:
        for size, path in itertools.product((1, 3, 100), ("/score?threshold=0", "/encode", "/nowhere")):
            await client.post(
                path, content=count_images(size).tobytes(), headers={"content-type": "application/octet-stream"}
            )
        return (await client.get("/metrics", headers={"accept": accept})).text


async def test_every_documented_metric_exists(tmp_path: Path) -> None:
    """Those of several workers too, with the types that the page says."""
    documented = {name: kind for name, (kind, _) in read_documented().items()}

    assert documented == {**read_registered(), **read_registered_by_workers(tmp_path)}


async def test_both_formats_are_read_by_strict_parsers() -> None:
    """After traffic, with the same metrics in both."""
    plain = {family.name for family in parse_text(await read_busy_page())}
    page = await read_busy_page("application/openmetrics-text")
    openmetrics = {family.name for family in parse_openmetrics(page)}  # type: ignore[no-untyped-call]
    # The plain format tells when a metric was made as one more metric, and has no word for an info.
    made = {name for name in plain if name.endswith("_created")}

    assert openmetrics - {"digitcodec_model"} == plain - made - {"digitcodec_model_info"}


@NEEDS_PROMTOOL
def test_prometheus_takes_configuration_and_rules() -> None:
    """As the server would at its start."""
    assert "valid prometheus config" in run_promtool("check", "config", str(FOLDER / "prometheus.yaml"))


@NEEDS_PROMTOOL
@pytest.mark.parametrize("name", TESTS)
def test_alerts_fire_when_they_should(name: str) -> None:
    """On series that are made up."""
    assert "SUCCESS" in run_promtool("test", "rules", str(FOLDER / name))


@NEEDS_PROMTOOL
async def test_prometheus_takes_a_real_page() -> None:
    """With nothing to find fault with in names, types and help."""
    assert "" == run_promtool("check", "metrics", page=await read_busy_page())
