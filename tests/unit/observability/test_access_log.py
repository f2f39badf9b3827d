"""Lines about requests: each outcome in its own measure, and none goes uncounted."""

from support.http_door import LineLog

from service.observability.access_log import AccessLog


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now_s


def test_lines_and_what_was_left_out_add_up() -> None:
    """Ten a second are admitted, and the first of the next second tells of the others."""
    clock, left_out = Clock(), []
    log = AccessLog(LineLog(), 10, lambda: left_out.append(1), clock)
    first = [log.admit(None) for _ in range(25)]
    clock.now_s = 1.0
    then = [log.admit(None) for _ in range(2)]

    assert [0] * 10 + [None] * 15 == first
    assert [15, 0] == then
    assert 15 == len(left_out)


def test_a_flood_of_one_kind_hides_no_other() -> None:
    """The one failure among a million refusals is written."""
    log = AccessLog(LineLog(), 10, clock=Clock())
    for _ in range(1000):
        log.admit("overloaded")

    assert [0, 0, None] == [log.admit("internal"), log.admit(None), log.admit("overloaded")]


def test_line_is_handed_on() -> None:
    """With its level, its fields and its exception."""
    lines = LineLog()
    log, failure = AccessLog(lines, 10), ValueError("x")
    log.write("info", {"rows": 3})
    log.write("error", {"rows": 4}, failure)

    assert [("info", "request", {"rows": 3}), ("error", "request", {"rows": 4, "exc_info": failure})] == lines.lines
