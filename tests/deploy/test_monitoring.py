"""What Prometheus, prometheus-adapter and Grafana get from deploy/: names, jobs and rules that the service has."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.compose_files import read_compose
from support.http_door import build_context, open_client
from support.manifests import KUBERNETES, NEEDS_KUBECTL, build, find_all, find_one, read_files
from support.metric_names import REPOSITORY, find_strangers, list_series, read_registered
from support.promql import parse_promql
from support.promtool import NEEDS_PROMTOOL, run_promtool
from support.schemas import VERSIONS, find_faults, find_schema_faults

from deploy.prometheus.rules import render_rules
from service.doors import build_gateway_app
from service.settings import Settings

DEPLOY = REPOSITORY / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
JOBS = {"gateway": "digitcodec", "serving": "digitcodec-model-server"}
# What prometheus-adapter puts into a query.
WORDS = {"<<.LabelMatchers>>": 'pod="gateway-1"', "<<.GroupBy>>": "pod"}


def read(path: Path) -> Any:
    """What a file says."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


ADAPTER = read(KUBERNETES / "monitoring" / "adapter-values.yaml")


def test_operator_gets_the_rules_of_the_files() -> None:
    """All groups in the order of evaluation, in an object that is valid."""
    rule = yaml.safe_load(render_rules())
    groups = [each for name in ("recording.yaml", "alerts.yaml") for each in read(PROMETHEUS / name)["groups"]]

    assert [] == find_faults(rule, VERSIONS[0])
    assert groups == rule["spec"]["groups"]


@pytest.mark.parametrize(("monitor", "job"), JOBS.items())
def test_monitor_gives_the_job_that_the_rules_look_for(monitor: str, job: str) -> None:
    """By the Service's label, on a port that the Service has."""
    spec = find_one(read_files(), "ServiceMonitor", monitor)["spec"]
    service = find_one(read_files(), "Service", monitor)
    chosen = [each for each in find_all(read_files(), "Service") if is_chosen(spec["selector"]["matchLabels"], each)]
    ports = {each["name"] for each in service["spec"]["ports"]}

    assert [service] == chosen
    assert job == service["metadata"]["labels"][spec["jobLabel"]]
    assert {each["port"] for each in spec["endpoints"]} <= ports


def is_chosen(labels: dict[str, str], service: Any) -> bool:
    """Whether a monitor takes a Service; one that it took twice would count every pod twice."""
    return bool(labels.items() <= service["metadata"].get("labels", {}).items())


async def test_gateways_have_metrics_where_they_are_scraped() -> None:
    """On the monitor's path."""
    (endpoint,) = find_one(read_files(), "ServiceMonitor", "gateway")["spec"]["endpoints"]
    async with open_client(build_gateway_app(build_context())) as client:
        answer = await client.get(endpoint["path"])

    assert 200 == answer.status_code


def test_adapter_makes_its_metrics_of_series_that_exist() -> None:
    """With the labels that they have; namespace and pod are the operator's."""
    assert [] == find_schema_faults(ADAPTER, "adapter-values")
    series = {name: labels | {"namespace", "pod"} for name, labels in list_series(read_registered()).items()}
    for rule in ADAPTER["rules"]["custom"]:
        asked = re.match(r"\w+", rule["seriesQuery"])
        assert asked
        query = rule["metricsQuery"].replace("<<.Series>>", asked[0])
        for word, value in WORDS.items():
            query = query.replace(word, value)

        assert set() == find_strangers(parse_promql(query), series)
        assert asked[0] in query
        assert set() == find_strangers(parse_promql(rule["seriesQuery"]), series)


@NEEDS_KUBECTL
@pytest.mark.parametrize("overlay", ["overlays/cpu", "overlays/gpu", "overlays/embedded"])
def test_gateways_are_scaled_by_what_the_adapter_makes(overlay: str) -> None:
    """Each metric of the autoscaler, which wants far fewer waiting rows than may wait."""
    scaler = find_one(build(overlay), "HorizontalPodAutoscaler", "gateway")["spec"]
    targets = {each["pods"]["metric"]["name"]: each["pods"]["target"]["averageValue"] for each in scaler["metrics"]}

    assert targets.keys() == {each["name"]["as"] for each in ADAPTER["rules"]["custom"]}
    assert int(targets["digitcodec_queue_rows"]) * 4 <= Settings().batching.max_queue_rows


def test_prometheus_of_compose_scrapes_its_services() -> None:
    """Under the jobs that the rules look for, with the same rules as prometheus.yaml."""
    said, usual = read(PROMETHEUS / "compose.yaml"), read(PROMETHEUS / "prometheus.yaml")
    services = read_compose("compose.yaml")["services"]
    targets = {each["job_name"]: each["static_configs"][0]["targets"] for each in said["scrape_configs"]}

    assert usual["rule_files"] == said["rule_files"]
    assert {"digitcodec": ["gateway:8000"], "digitcodec-model-server": ["serving:8501"]} == targets
    assert {"gateway", "serving"} <= services.keys()
    assert ["gateway"] == services["embedded"]["networks"]["model"]["aliases"]


@NEEDS_PROMTOOL
def test_promtool_agrees_with_the_configuration_of_compose() -> None:
    """Its files of rules among it."""
    assert "SUCCESS" in run_promtool("check", "config", str(PROMETHEUS / "compose.yaml"))


def test_grafana_of_compose_finds_prometheus_and_the_dashboard() -> None:
    """At the service's port, and in the folder that is mounted."""
    services = read_compose("compose.yaml")["services"]
    provisioning = DEPLOY / "grafana" / "provisioning"
    (source,) = read(provisioning / "datasources" / "prometheus.yaml")["datasources"]
    (provider,) = read(provisioning / "dashboards" / "digitcodec.yaml")["providers"]
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]

    assert "http://prometheus:9090" == source["url"]
    assert services["prometheus"]["ports"][0].endswith(":9090")
    assert f"./deploy/grafana:{provider['options']['path']}:ro" in services["grafana"]["volumes"]
    assert home == f"{provider['options']['path']}/digitcodec.json"


@NEEDS_KUBECTL
def test_dashboard_reaches_a_grafana_of_the_cluster() -> None:
    """In a ConfigMap with the label that its sidecar looks for."""
    found = find_one(build("monitoring"), "ConfigMap", "digitcodec-dashboard")

    assert {"grafana_dashboard": "1"} == found["metadata"]["labels"]
    assert (DEPLOY / "grafana" / "digitcodec.json").read_text(encoding="utf-8") == found["data"]["digitcodec.json"]
