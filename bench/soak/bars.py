"""What a soak must show, each with its figure and its limit."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.load.verdict import Outcome
from bench.soak.record import Record, percentile

# Before that the memory is still filling with what every service needs once.
_WARM_S = 60.0
_GROWTH_SPAN_S = 20.0
_MOST_GROWTH = 1.10
# Shorter loads end before growth could show.
_LEAST_GROWTH_S = 180.0
# The time that a version has to be found, loaded, warmed up and asked on a machine that is busy twice over.
_PUBLISHED_S = 20.0
# Thread pools grow to their bounds when they are used; a leak goes on.
_SPARE_THREADS = 4
# Less than that was no overload.
_LEAST_OFFERED = 0.95


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing that must hold.

    Attributes:
        name: What, in words.
        value: What was seen.
        limit: The most that may be seen, or the least if `is_floor`; None if this run was too short to judge.
        is_floor: The limit is a least one.
    """

    name: str
    value: float
    limit: float | None
    is_floor: bool = False

    @property
    def holds(self) -> bool:
        """False if it does not; what could not be judged holds."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.is_floor else self.value <= self.limit


def judge(record: Record, default_timeout_s: float) -> list[Bar]:
    """Every bar of a soak."""
    return [*_judge_answers(record, default_timeout_s), *_judge_leftovers(record)]


def _judge_answers(record: Record, default_timeout_s: float) -> Iterator[Bar]:
    total = record.total
    length_s = record.seconds[-1].at_s
    yield Bar("wrong answers", total.count(Outcome.WRONG), 0)
    yield Bar("undocumented statuses", total.count(Outcome.UNDOCUMENTED), 0)
    yield Bar("refusals as not ready", total.count(Outcome.NOT_READY), 0)
    yield Bar("hangs (deadline + 2 s)", total.count(Outcome.HUNG), 0)
    yield Bar("connections cut", total.count(Outcome.LOST), 0)
    yield Bar("requests that the load could not send", total.unsent, 0)
    yield Bar("p99 of right answers, s", percentile(total.latencies_s, 99) or float("inf"), default_timeout_s)
    yield Bar(
        "offered of what was planned", total.offered / (record.rate * record.load_s), _LEAST_OFFERED, is_floor=True
    )
    late = [version for version, at_s in record.published.items() if at_s < length_s - _PUBLISHED_S]
    yield Bar("published versions that never answered", len(set(late) - set(record.first_answers)), 0)
    unknown = set(record.first_answers) - set(record.published) - {0}  # 0: TensorFlow Serving's REST names none
    yield Bar("versions that answered and were not published", len(unknown), 0)


def _judge_leftovers(record: Record) -> Iterator[Bar]:
    length_s = record.seconds[-1].at_s
    first = record.memory_mib(_WARM_S, _WARM_S + _GROWTH_SPAN_S)
    last = record.memory_mib(length_s - _GROWTH_SPAN_S, length_s)
    limit = _MOST_GROWTH if length_s >= _LEAST_GROWTH_S else None
    yield Bar("memory at the end / after the first minute", last / first, limit)
    if record.after is not None and record.unfinished is not None:
        yield Bar("threads more than before", record.after.threads - record.before.threads, _SPARE_THREADS)
        yield Bar("files and sockets more than before", record.after.files - record.before.files, 0)
        yield Bar("requests, rows and batches left over", record.unfinished, 0)
