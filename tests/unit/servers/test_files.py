"""How many files the process may open."""

import resource

import pytest
from structlog.testing import capture_logs

from service.servers import raise_file_limit


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The limits that are set, of a system that gives 1024 and allows 4096."""
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limits.append(pair))
    return limits


@pytest.mark.parametrize(("connections", "told"), [(3072, []), (3073, [(4096, 4097)])], ids=["enough", "too few"])
def test_all_that_the_system_allows_is_taken(
    connections: int, told: list[tuple[int, int]], taken: list[tuple[int, int]]
) -> None:
    """And the operator reads if that is too little."""
    with capture_logs() as logs:
        raise_file_limit(connections)

    assert ([(4096, 4096)], told) == (taken, [(line["allowed"], line["needed"]) for line in logs])
