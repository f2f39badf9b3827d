"""Lines about requests: each outcome in its own measure, and none goes uncounted."""

from support.clock import Clock
from support.http_door import LineLog

from service.observability.access_log import AccessLog


def test_lines_and_what_was_left_out_add_up() -> None:
    """Ten a second are admitted, and the first of the next second tells of the others."""
    clock, left_out = Clock(0.0), []
    log = AccessLog(LineLog(), 10, lambda: left_out.append(1), clock)
    first = [log.admit("info", None) for _ in range(25)]
    clock.now_s += 1.0
    then = [log.admit("info", None) for _ in range(2)]

    assert [0] * 10 + [None] * 15 == first
    assert [15, 0] == then
    assert 15 == len(left_out)


def test_a_flood_of_one_kind_hides_no_other() -> None:
    """The one failure among a million refusals is written."""
    log = AccessLog(LineLog(), 10, clock=Clock())
    for _ in range(1000):
        log.admit("info", "overloaded")

    assert [0, 0, None] == [log.admit("error", "internal"), log.admit("info", None), log.admit("info", "overloaded")]


def test_lines_softer_than_the_log_wants_are_not_left_out() -> None:
    """Nobody misses them, so they are not counted as missing."""
    left_out: list[int] = []
    log = AccessLog(LineLog(), 1, lambda: left_out.append(1), Clock(), least_level="warning")
    good = [log.admit("info", None) for _ in range(3)]
    bad = [log.admit("warning", "not_ready") for _ in range(3)]

    assert [None] * 3 == good
    assert [0, None, None] == bad
    assert 2 == len(left_out)


def test_what_no_line_has_told_is_told_at_the_end() -> None:
    """Of each outcome as loud as its lines, once; nothing of those of which every line was written."""
    lines = LineLog()
    log = AccessLog(lines, 2, clock=Clock())
    for outcome, level, count in ((None, "info", 5), ("internal", "error", 3), ("overloaded", "info", 2)):
        for _ in range(count):
            log.admit(level, outcome)
    log.close()
    log.close()

    assert [
        ("info", "request_lines_left_out", {"reason": None, "left_out": 3}),
        ("error", "request_lines_left_out", {"reason": "internal", "left_out": 1}),
    ] == lines.lines


def test_line_is_handed_on() -> None:
    """With its level, its fields and its exception."""
    lines = LineLog()
    log, failure = AccessLog(lines, 10), ValueError("x")
    log.write("info", {"rows": 3})
    log.write("error", {"rows": 4}, failure)

    assert [("info", "request", {"rows": 3}), ("error", "request", {"rows": 4, "exc_info": failure})] == lines.lines
