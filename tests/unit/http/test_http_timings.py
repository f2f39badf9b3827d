"""Where a request's time went, as its line and the metrics say."""

from support.fakes import FakeBackend, count_images
from support.http_door import LineLog, build_context, open_client
from support.scrape import Scrape

from service.doors import build_gateway_app
from service.observability.metrics import Metrics

OCTETS = {"content-type": "application/octet-stream"}


async def test_line_says_where_the_time_went() -> None:
    """Decoding, queue and model are parts of the whole; what a request never reached has no time."""
    log, metrics = LineLog(), Metrics()
    app = build_gateway_app(build_context(FakeBackend(), log=log, metrics=metrics))
    async with open_client(app) as client:
        await client.post("/score", content=count_images(2).tobytes(), headers=OCTETS)
        await client.post("/score", content=b"x", headers=OCTETS)
        await client.post("/score", content=b"x", headers={"content-type": "text/csv"})
    good, undecodable, unread = (fields for _, _, fields in log.lines)
    parts = [good[name] for name in ("decode_ms", "queue_ms", "backend_ms")]

    assert all(part >= 0 for part in parts)
    assert sum(parts) <= good["ms"]
    assert undecodable["decode_ms"] is not None
    assert (None, None) == (undecodable["queue_ms"], undecodable["backend_ms"])
    assert unread["decode_ms"] is None
    assert 2 == Scrape(metrics).find("digitcodec_decode_seconds_count", door="http")
