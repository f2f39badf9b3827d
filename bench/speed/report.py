"""A bench as people read it: Markdown tables; and as JSON."""

import os
import platform
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from bench.speed.batches import Batches
from bench.speed.findings import Finding
from bench.speed.sample import Key, Round, Sample, collect, find_spread

_CPU = Path("/proc/cpuinfo")


def list_keys(rounds: Sequence[Round]) -> list[Key]:
    """Systems and loads that met in the first round, load by load."""
    loads = list(dict.fromkeys(load for _, load in rounds[0]))
    return [key for wanted in loads for key in rounds[0] if key[1] == wanted]


def render_samples(rounds: Sequence[Round]) -> str:
    """A row for each load and system: medians over the rounds."""
    lines = [
        "| load | system | images/s | spread | p50, ms | p99, ms | processor, us/request | rows/batch |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [_render_row(key, collect(rounds, key)) for key in list_keys(rounds)]
    return "\n".join(lines)


def render_findings(findings: Sequence[Finding]) -> str:
    """A row for each figure, and whether it holds its bar; then a row for each load of those that many loads have."""
    single, by_load = ([each for each in findings if bool(each.load) is has_load] for has_load in (False, True))
    lines = ["| figure | median | spread | bar | |", "| --- | ---: | ---: | ---: | --- |"]
    tables = ["\n".join([*lines, *map(_render_finding, single)])] if single else []
    return "\n\n".join([*tables, _render_grid(by_load)] if by_load else tables)


def render_machine() -> str:
    """What it was measured on."""
    machine = describe_machine()
    return (
        f"{machine['processor']}, {machine['processors']} processors, {machine['system']}, Python {machine['python']}"
    )


def describe_machine() -> dict[str, Any]:
    """What it was measured on, for the JSON."""
    return {
        "processor": _name_processor(),
        "processors": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def write_json(rounds: Sequence[Round], findings: Sequence[Finding], options: Mapping[str, Any], path: Path) -> None:
    """Every round's figures, and what was found."""
    document = {
        "machine": describe_machine(),
        "options": dict(options),
        "samples": [_describe_samples(key, collect(rounds, key)) for key in list_keys(rounds)],
        "findings": [_describe_finding(finding) for finding in findings],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str))


def join_batches(samples: Sequence[Sample]) -> Batches | None:
    """The batches of all rounds together; None if nothing told of them."""
    told = [sample.batches for sample in samples if sample.batches]
    if not told:
        return None
    total = told[0]
    for batches in told[1:]:
        total = total.add(batches)
    return total


def _render_row(key: Key, samples: Sequence[Sample]) -> str:
    system, load = key
    rates = [sample.rate for sample in samples]
    p50, p99 = (statistics.median(sample.find_ms(each) for sample in samples) for each in (50, 99))
    processor_us = [sample.processor_us for sample in samples if sample.processor_us is not None]
    batches = join_batches(samples)
    used = f"{statistics.median(processor_us):.0f}" if processor_us else ""
    rows = f"{batches.mean_rows:.1f}" if batches else ""
    return (
        f"| {load} | {system} | {statistics.median(rates):,.0f} | {find_spread(rates):.2f} "
        f"| {p50:.2f} | {p99:.2f} | {used} | {rows} |"
    )


def _render_grid(findings: Sequence[Finding]) -> str:
    columns = list(dict.fromkeys(each.name for each in findings))
    rows: dict[str, dict[str, str]] = {}
    for each in findings:
        rows.setdefault(each.load, {})[each.name] = f"{each.median:.2f} ({each.spread:.2f})"
    lines = [f"| median (spread) | {' | '.join(columns)} |", f"| --- |{' ---: |' * len(columns)}"]
    for load, cells in rows.items():
        lines.append(f"| {load} | {' | '.join(cells.get(column, '') for column in columns)} |")
    return "\n".join(lines)


def _render_finding(finding: Finding) -> str:
    bar = finding.bar
    word = "" if bar.limit is None else "holds" if bar.holds else "short"
    sign = "" if bar.limit is None else f"{'>=' if bar.is_floor else '<='} {bar.limit:g}"
    return f"| {finding.name} | {finding.median:.2f} | {finding.spread:.2f} | {sign} | {word} |"


def _describe_samples(key: Key, samples: Sequence[Sample]) -> dict[str, Any]:
    system, load = key
    return {"system": system, "load": load, "rounds": [_describe_sample(sample) for sample in samples]}


def _describe_sample(sample: Sample) -> dict[str, Any]:
    figures = {"images_per_s": sample.rate, "requests": len(sample.times_s), "processor_us": sample.processor_us}
    percentiles = {f"p{each}_ms": sample.find_ms(each) for each in (50, 90, 99, 100)}
    if sample.batches is None:
        return {**figures, **percentiles}
    shares = [{"up_to": str(bound), "share": share} for bound, share in sample.batches.list_shares()]
    return {**figures, **percentiles, "rows_per_batch": sample.batches.mean_rows, "batches": shares}


def _describe_finding(finding: Finding) -> dict[str, Any]:
    bar = finding.bar
    return {
        "name": finding.name,
        "load": finding.load or None,
        "median": finding.median,
        "spread": finding.spread,
        "values": finding.values,
        "limit": bar.limit,
        "is_floor": bar.is_floor,
        "holds": bar.holds if bar.limit is not None else None,
    }


def _name_processor() -> str:
    return next(_read_names(), platform.processor() or platform.machine())


def _read_names() -> Iterator[str]:
    for line in _CPU.read_text().splitlines() if _CPU.exists() else ():
        if line.startswith("model name"):
            yield line.partition(":")[2].strip()
