"""A soak as people read it: lines while it runs, tables at its end; and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from bench.load.verdict import Outcome
from bench.soak.bars import Bar
from bench.soak.record import Record, Second, percentile
from bench.words.ask import Door

_COLUMNS = (("s", 5), ("offered/s", 9), ("right/s", 8), ("refused/s", 9), ("faults", 6), ("p99, s", 7), ("MiB", 6))
_HEAD = " ".join(f"{name:>{width}}" for name, width in (*_COLUMNS, ("threads", 7), ("files", 6)))
_SHARES = (50, 90, 99)


def render_head() -> str:
    """The titles of the lines."""
    return _HEAD


def render_line(seconds: Sequence[Second]) -> str:
    """Some seconds together; at least one."""
    last, length_s = seconds[-1], len(seconds)
    worst = max((each.p99_s for each in seconds if each.p99_s is not None), default=float("nan"))
    offered, right, refused = (
        sum(getattr(each, name) for each in seconds) / length_s for name in ("offered", "right", "refused")
    )
    faults = sum(each.faults for each in seconds)
    sample = last.sample
    return (
        f"{last.at_s:5.0f} {offered:9.0f} {right:8.0f} {refused:9.0f} {faults:6} {worst:7.2f} "
        f"{sample.memory_mib:6.0f} {sample.threads:7} {sample.files:6}"
    )


def render_summary(record: Record, bars: Sequence[Bar]) -> str:
    """Tables of how requests ended, and of the bars."""
    return "\n".join(
        (*_render_ends(record), "", *_render_figures(record), "", *_render_bars(bars), *_render_faults(record))
    )


def write_json(record: Record, bars: Sequence[Bar], path: Path) -> None:
    """Everything but the single latencies."""
    document = asdict(record)
    total = document["total"]
    total["latencies_s"] = {str(share): percentile(record.total.latencies_s, share) for share in (*_SHARES, 100)}
    total["ends"] = {f"{door}: {outcome}": number for (door, outcome), number in record.total.ends.items()}
    total["versions"] = sorted(record.total.versions)
    document["bars"] = [{**asdict(bar), "holds": bar.holds} for bar in bars]
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))


def _render_ends(record: Record) -> Iterator[str]:
    outcomes = [outcome for outcome in Outcome if record.total.count(outcome)]
    yield f"| door | {' | '.join(outcomes)} |"
    yield f"| --- {'| --- ' * len(outcomes)}|"
    for door in Door:
        yield f"| {door} | {' | '.join(str(record.total.ends[door, outcome]) for outcome in outcomes)} |"
    yield f"| all | {' | '.join(str(record.total.count(outcome)) for outcome in outcomes)} |"


def _render_figures(record: Record) -> Iterator[str]:
    total, length_s = record.total, record.load_s
    latencies = ", ".join(f"p{share} {percentile(total.latencies_s, share) or 0:.3f}" for share in _SHARES)
    yield f"capacity {record.capacity:.0f} requests/s; offered {total.offered / length_s:.0f}/s for {length_s:.0f} s"
    right = f"{total.count(Outcome.RIGHT) / length_s:.0f} requests/s, {total.rows / length_s:.0f} rows/s"
    yield f"right answers: {right}; {latencies} s"
    yield f"right answers that differ in last bits from those to their images alone (docs/adr/0002): {total.inexact}"
    yield f"the load's own delay in sending: up to {total.lag_s:.3f} s"
    yield "versions, published and first answer: " + ", ".join(
        f"{version} {at_s:.0f} s {record.first_answers.get(version, float('nan')):.0f} s"
        for version, at_s in record.published.items()
    )


def _render_bars(bars: Sequence[Bar]) -> Iterator[str]:
    yield "| bar | value | limit | |"
    yield "| --- | --- | --- | --- |"
    for bar in bars:
        word = "not judged: too short" if bar.limit is None else "holds" if bar.holds else "FAILS"
        sign = "" if bar.limit is None else f"{'>=' if bar.is_floor else '<='} {bar.limit:g}"
        yield f"| {bar.name} | {bar.value:.4g} | {sign} | {word} |"


def _render_faults(record: Record) -> Iterator[str]:
    yield from ("", *record.total.faults) if record.total.faults else ()
