"""Every request of every door is counted once, under names that no stranger chooses."""

import asyncio
from collections import Counter
from types import MappingProxyType

import pytest
from support.all_doors import open_gateway
from support.door_words import DOORS, GOOD, GRPC, HTTP, OIP, OIP_GRPC, STREAM, TFS, TFS_GRPC, Ask, write
from support.fakes import FakeBackend, HeldBackend, count_images
from support.http_door import DISCONNECT, Caller, body_message, build_context, build_door, build_scope, open_client
from support.scrape import Scrape

from service.api.http import build_http_app
from service.doors import build_gateway_app
from service.observability.metrics import Metrics

NAMES = MappingProxyType(
    {HTTP: "http", GRPC: "grpc", STREAM: "grpc", OIP_GRPC: "oip-grpc", TFS_GRPC: "tfs-grpc"}
    | {door: "oip-http" for door in OIP if door != OIP_GRPC}
    | {door: "tfs-http" for door in TFS if door != TFS_GRPC}
)
OPERATIONS = MappingProxyType({STREAM: "reconstruct_stream", **dict.fromkeys(TFS, "predict")})
UNKNOWN_VERSION = Ask(images=count_images(1), version=9)


async def send_everywhere(ask: Ask) -> tuple[Scrape, list[tuple[str, str, str]]]:
    """The same request through every door of one gateway: what is counted, and (door, operation, code) of each."""
    async with open_gateway() as gateway:
        sent = []
        for door in DOORS:
            outcome = await gateway.send(write(ask, door))
            sent.append((NAMES[door], OPERATIONS.get(door, "encode"), str(outcome.status)))
        return Scrape(gateway.metrics), sent


def read_counts(scrape: Scrape) -> dict[tuple[str, str, str], float]:
    """Requests by door, operation and code."""
    samples = scrape.families["digitcodec_requests_total"].samples
    return {
        (each.labels["door"], each.labels["operation"], each.labels["code"]): each.value
        for each in samples
        if each.name == "digitcodec_requests_total"
    }


async def test_answers_are_counted_at_every_door() -> None:
    """Each request once, with its time and its row; nothing was rejected, nothing is under way."""
    scrape, sent = await send_everywhere(GOOD)

    assert Counter(sent) == read_counts(scrape)
    assert {"200", "OK"} == {code for _, _, code in sent}
    operations = Counter(operation for _, operation, _ in sent)
    assert operations == {each: scrape.find("digitcodec_rows_total", operation=each) for each in operations}
    assert Counter(key[:2] for key in sent) == {
        (door, operation): scrape.find("digitcodec_request_seconds_count", door=door, operation=operation)
        for door, operation, _ in sent
    }
    assert set() == scrape.list_values("digitcodec_rejected_total", "reason")
    assert 0 == scrape.find("digitcodec_inflight_requests")


async def test_failures_are_counted_at_every_door() -> None:
    """Under their status and their reason; their rows got no good answer."""
    scrape, sent = await send_everywhere(UNKNOWN_VERSION)

    assert Counter(sent) == read_counts(scrape)
    assert {"404", "NOT_FOUND"} == {code for _, _, code in sent}
    assert len(DOORS) == scrape.find("digitcodec_rejected_total", reason="not_found")
    assert set() == scrape.list_values("digitcodec_rows_total", "operation")
    assert 0 == scrape.find("digitcodec_inflight_requests")


@pytest.mark.parametrize("method", ["GET", "POST", "BREW"])
async def test_unknown_paths_make_no_label(method: str) -> None:
    """Ten paths that lead nowhere are one operation of each protocol."""
    metrics = Metrics()
    async with open_client(build_gateway_app(build_context(metrics=metrics))) as client:
        for step in ("", "/v1", "/v2", "/models", "/v2/models"):
            for number in range(2):
                await client.request(method, f"{step}/stranger{number}/x")
    operations = Scrape(metrics).list_values("digitcodec_requests_total", "operation")

    assert {"unknown", "unroutable"} == operations


async def test_caller_who_leaves_is_counted() -> None:
    """Under the status that proxies use, and no longer as under way."""
    metrics, backend = Metrics(), HeldBackend()
    app = build_http_app(build_context(backend, metrics=metrics))
    caller = Caller(body_message(count_images(1).tobytes()))
    scope = build_scope("/score", (b"content-type", b"application/octet-stream"), (b"content-length", b"784"))
    work = asyncio.create_task(app(scope, caller.receive, caller.send))
    await backend.entered.wait()
    during = Scrape(metrics)
    caller.incoming.put_nowait(DISCONNECT)
    await work
    after = Scrape(metrics)

    assert (1, 0) == (during.find("digitcodec_inflight_requests"), after.find("digitcodec_inflight_requests"))
    assert 1 == after.find("digitcodec_requests_total", door="http", operation="score", code="499")
    assert 1 == after.find("digitcodec_rejected_total", reason="client_disconnected")


async def test_time_of_a_request_is_in_seconds() -> None:
    """A request in process takes less than a second, and more than none."""
    metrics = Metrics()
    async with open_client(build_door(FakeBackend(), metrics=metrics)) as client:
        await client.get("/models")
    scrape = Scrape(metrics)

    assert 0 < scrape.find("digitcodec_request_seconds_sum", door="http", operation="models") < 1
