"""The page that Prometheus reads, and docs/metrics.md, which explains it."""

import re
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.fakes import FakeBackend, count_images
from support.http_door import LineLog, build_context, open_client
from support.key_gate import BEARER, RingGate
from support.scrape import Scrape

from service.doors import build_gateway_app, build_model_server_app
from service.observability.metrics import Metrics

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
# What Prometheus 3 sends.
OF_PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PATHS = ("/metrics", "/monitoring/prometheus/metrics")
PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)


@pytest.mark.parametrize("path", PATHS)
async def test_gateway_shows_its_metrics(path: str) -> None:
    """As text that the library's parser takes, without a line in the log of who runs on `info`."""
    log = LineLog()
    async with open_client(build_gateway_app(build_context(log=log))) as client:
        answer = await client.get(path)
    families = {family.name for family in text_string_to_metric_families(answer.text)}

    assert (200, PLAIN) == (answer.status_code, answer.headers["content-type"])
    assert {"digitcodec_requests", "digitcodec_ready", "process_open_fds", "python_info"} <= families
    assert ["debug"] == [level for level, _, _ in log.lines]


async def test_model_server_shows_them_where_tensorflow_serving_does() -> None:
    """Quietly, and only there."""
    log, metrics = LineLog(), Metrics()
    async with open_client(build_model_server_app(build_context(log=log, metrics=metrics))) as client:
        answer, elsewhere = await client.get(PATHS[1]), await client.get(PATHS[0])
        posted = await client.post(PATHS[1])

    assert (200, PLAIN, 400, 400) == (
        answer.status_code,
        answer.headers["content-type"],
        elsewhere.status_code,
        posted.status_code,
    )
    assert "digitcodec_ready 1.0" in answer.text
    assert ["debug", "info", "info"] == [level for level, _, _ in log.lines]
    assert {"metrics", "unroutable"} == Scrape(metrics).list_values("digitcodec_requests_total", "operation")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("text/plain;version=1.0.0", PLAIN),
        ("text/plain;version=rubbish", PLAIN),
        ("application/openmetrics-text", OPENMETRICS),
        ("Application/OpenMetrics-Text; version=1.0.0", OPENMETRICS),
        ("application/openmetrics-text; version=rubbish", OPENMETRICS),
        ("application/openmetrics-text; version=9.é", OPENMETRICS),
        (OF_PROMETHEUS, OPENMETRICS),
    ],
)
@pytest.mark.parametrize("build", [build_gateway_app, build_model_server_app])
async def test_accept_decides_the_format(build: object, accept: str, content_type: str) -> None:
    """Nothing that a stranger writes there fails, or comes back."""
    assert callable(build)
    async with open_client(build(build_context())) as client:
        answer = await client.get(PATHS[1], headers=httpx.Headers({"accept": accept}, encoding="utf-8"))

    assert (200, content_type) == (answer.status_code, answer.headers["content-type"])
    assert answer.text.endswith("# EOF\n") == (content_type == OPENMETRICS)


async def visit_everything(client: httpx.AsyncClient) -> None:
    """One request of each kind, so that every metric has a series."""
    await client.post(
        "/score?threshold=0", content=count_images(2).tobytes(), headers={"content-type": "application/octet-stream"}
    )
    await client.get("/nowhere")


async def test_every_metric_is_documented_and_no_other() -> None:
    """docs/metrics.md has each with its type and labels."""
    metrics = Metrics()
    app = build_gateway_app(build_context(FakeBackend(), metrics=metrics, gate=RingGate()))
    async with open_client(app) as client:
        client.headers.update(BEARER)
        await visit_everything(client)
    metrics.connections.note("answer_not_read", 2)
    families = Scrape(metrics).families
    labels = {
        name: {label for sample in family.samples for label in sample.labels} - {"le"}
        for name, family in families.items()
    }
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))

    assert {(name, "gauge" if each.type == "info" else each.type) for name, each in families.items()} == {
        (name, kind) for name, kind, _ in rows
    }
    assert labels == {name: set(re.findall(r"\w+", listed)) for name, _, listed in rows}


async def test_queries_of_the_page_ask_for_series_that_exist() -> None:
    """Each name in them is one of a series."""
    metrics = Metrics()
    async with open_client(build_gateway_app(build_context(FakeBackend(), metrics=metrics))) as client:
        await visit_everything(client)
    series = {sample.name for family in Scrape(metrics).families.values() for sample in family.samples}
    (queries,) = re.findall(r"^```promql\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)

    assert set() == set(re.findall(r"digitcodec_\w+", queries)) - series


def test_names_follow_the_rules_of_prometheus() -> None:
    """Base units, `_total` on counters alone, no colon."""
    for name, family in Scrape(Metrics()).families.items():
        assert re.fullmatch(r"[a-z_]+", name)
        assert name.endswith("_total") == (family.type == "counter")
        assert not re.search(r"_(ms|us|ns|milliseconds|microseconds|kb|mb|percent)(_|$)", name)
        assert family.documentation
