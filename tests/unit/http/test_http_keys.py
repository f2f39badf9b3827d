"""Keys over HTTP: who is let in where, and what log and metrics say of it."""

from typing import Any

import pytest
from support.fakes import count_images
from support.http_door import Caller, LineLog, body_message, build_context, build_scope, open_client
from support.key_gate import BEARER, SECRET, RingGate
from support.scrape import Scrape

from service.doors import build_gateway_app, build_model_server_app
from service.observability.metrics import Metrics

BODY = count_images(2).tobytes()
OCTETS = {"content-type": "application/octet-stream"}


def build_app(**options: Any) -> Any:
    """Every HTTP door of a gateway that has a key."""
    return build_gateway_app(build_context(gate=RingGate(), **options))


@pytest.mark.parametrize(
    "headers",
    [
        BEARER,
        {"authorization": f"bearer  {SECRET}"},
        {"x-api-key": SECRET},
        {"x-api-key": SECRET, "authorization": "Basic cHJveHk6eA=="},
        {"x-api-key": SECRET, "authorization": "Bearer a.proxy's.token"},
    ],
)
async def test_key_opens(headers: dict[str, str]) -> None:
    """In the standard header, or in its own where a proxy takes that one."""
    async with open_client(build_app()) as client:
        answer = await client.post("/score", content=BODY, headers={**OCTETS, **headers})

    assert 200 == answer.status_code


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": SECRET},
        {"authorization": f"Basic {SECRET}"},
        {"authorization": "Bearer"},
        {"x-api-key": ""},
        {"x-api-key": "wrong", "authorization": "Basic x"},
    ],
)
async def test_without_the_key_nothing_opens(headers: dict[str, str]) -> None:
    """One problem document, the same for no key and a wrong one but for its text; nothing of the key in it."""
    async with open_client(build_app()) as client:
        answer = await client.post("/score", content=BODY, headers={**OCTETS, **headers})

    assert (401, "unauthenticated") == (answer.status_code, answer.json()["reason"])
    assert "Bearer" == answer.headers["www-authenticate"]
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/encode"),
        ("POST", "/decode"),
        ("POST", "/reconstruct"),
        ("OPTIONS", "/score"),
        ("GET", "/models"),
        ("GET", "/models/digits"),
        ("GET", "/metrics"),
        ("GET", "/monitoring/prometheus/metrics"),
        ("GET", "/nowhere"),
        ("GET", "/v2"),
        ("GET", "/v2/models/digits"),
        ("POST", "/v2/models/digits-encode/infer"),
        ("POST", "/v2/repository/index"),
        ("GET", "/v1/models/digits"),
        ("POST", "/v1/models/digits:predict"),
    ],
)
async def test_everything_else_is_closed(method: str, path: str) -> None:
    """Also what there is not: a stranger learns nothing of the routes."""
    async with open_client(build_app()) as client:
        closed = await client.request(method, path)
        opened = await client.request(method, path, headers=BEARER)

    assert 401 == closed.status_code
    assert 401 != opened.status_code


@pytest.mark.parametrize(
    "path",
    ["/livez", "/readyz", "/startupz", "/docs", "/openapi.json", "/", "/v2/health/live", "/v2/health/ready"],
)
async def test_probes_and_pages_are_open(path: str) -> None:
    """Kubelets have no key, and the pages say what the repository does."""
    async with open_client(build_app()) as client:
        answer = await client.get(path)

    assert answer.status_code in {200, 307}


async def test_metrics_are_open_if_wanted() -> None:
    """For scrapers that cannot send a key."""
    async with open_client(build_app(open_metrics=True)) as client:
        answer = await client.get("/metrics")

    assert 200 == answer.status_code


async def test_metrics_of_the_model_server_are_open_if_wanted() -> None:
    """They, and nothing else."""
    statuses = []
    for is_open in (False, True):
        app = build_model_server_app(build_context(gate=RingGate(), open_metrics=is_open))
        async with open_client(app) as client:
            paths = ("/monitoring/prometheus/metrics", "/v1/models/digits", "/metrics")
            statuses += [(await client.get(path)).status_code for path in paths]

    assert [401, 401, 401, 200, 401, 401] == statuses


@pytest.mark.parametrize("path", ["/score", "/v2/models/digits-encode/infer", "/v1/models/digits:predict", "/models"])
async def test_body_of_a_stranger_is_not_read(path: str) -> None:
    """Not one byte of it is asked for."""
    caller = Caller(body_message(BODY))
    scope = build_scope(path, (b"content-type", b"application/octet-stream"), (b"content-length", b"%d" % len(BODY)))
    await build_app()(scope, caller.receive, caller.send)

    assert 401 == caller.status
    assert 1 == caller.incoming.qsize()
    assert not caller.asked.is_set()


async def test_log_and_metrics_name_the_key() -> None:
    """By its name; the secret is nowhere."""
    log, metrics = LineLog(), Metrics()
    async with open_client(build_app(log=log, metrics=metrics)) as client:
        await client.post("/score", content=BODY, headers={**OCTETS, **BEARER})
        await client.post("/score", content=b"x", headers={**OCTETS, **BEARER})
        await client.post("/score", content=BODY, headers=OCTETS)
    scrape = Scrape(metrics)

    assert ["scanner-hall", "scanner-hall", None] == [fields["key"] for _, _, fields in log.lines]
    assert 2 == scrape.find("digitcodec_key_requests_total", key="scanner-hall")
    assert 2 == scrape.find("digitcodec_key_rows_total", key="scanner-hall")
    assert 1 == scrape.find("digitcodec_rejected_total", reason="unauthenticated")
    assert SECRET not in str(log.lines)
