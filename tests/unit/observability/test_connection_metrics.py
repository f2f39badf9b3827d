"""Connections that we ended are counted, by the cause."""

from support.scrape import Scrape

from service.observability.metrics import Metrics


def test_ended_connections_are_counted_by_cause() -> None:
    """One by one, or several at a time."""
    metrics = Metrics()
    metrics.connections.note("answer_not_read")
    metrics.connections.note("answer_not_read", 2)
    metrics.connections.note("tls_handshake_failed", 5)
    scrape = Scrape(metrics)

    assert (3, 5) == tuple(
        scrape.find("digitcodec_connections_ended_total", cause=cause)
        for cause in ("answer_not_read", "tls_handshake_failed")
    )
