"""What is kept until somebody looks, and no longer."""

from prometheus_client import CollectorRegistry, Counter, generate_latest

from service.observability.buffers import Buffers


def test_values_are_told_when_somebody_looks() -> None:
    """In the order of their coming, and once."""
    registry, told = CollectorRegistry(), list[list[int]]()
    buffers = Buffers()
    registry.register(buffers)
    buffer = buffers.make(told.append)
    for value in (1, 2, 3):
        buffer.note(value)
    early = list(told)
    generate_latest(registry)
    generate_latest(registry)

    assert ([], [[1, 2, 3]]) == (early, told)


def test_page_shows_what_was_kept_until_then() -> None:
    """The buffers are read before the metrics that they fill."""
    registry = CollectorRegistry()
    buffers = Buffers()
    registry.register(buffers)
    rows = buffers.add_up(Counter("rows", "Rows.", registry=registry))
    rows.note(5)
    rows.note(7)

    assert b"rows_total 12.0" in generate_latest(registry)


def test_nobody_need_look() -> None:
    """A service that is not scraped keeps no more than a few hundred values of a series."""
    told: list[int] = []
    buffer = Buffers().make(told.extend)
    for value in range(10_000):
        buffer.note(value)

    assert list(range(len(told))) == told
    assert 10_000 - 512 <= len(told)
