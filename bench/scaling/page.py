"""Writes the tables of docs/scaling.md between their marks: `<!-- NAME -->` and `<!-- end -->`."""

import re
from collections.abc import Sequence
from pathlib import Path

from bench.scaling.check import render as render_check
from bench.scaling.figures import Figures
from bench.scaling.plan import FORMATS, Need, plan

PRICE = 0.04
"""The example of the page: US dollars for a core and an hour."""

BUSY = 0.6
"""Share of a core that is planned to be used."""

_RATES = (1_000, 100_000, 1_000_000)
_TABLE = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rewrite(text: str, figures: Figures) -> str:
    """The page with its tables made anew; raises KeyError at a mark that is no table's name."""
    tables = {
        "check": render_check(figures.comparisons),
        "carried": _render_carried(figures),
        "model": _render_model(figures),
        "wire": _render_wire(figures),
        "plans": _render_plans(figures),
        "cost": _render_cost(figures),
    }
    return _TABLE.sub(lambda found: f"{found[1]}{tables[found[2]]}\n{found[3]}", text)


def rewrite_file(path: Path, figures: Figures) -> None:
    """The same of a file."""
    path.write_text(rewrite(path.read_text(), figures))


def _render_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _render_carried(figures: Figures) -> str:
    head = ("processor time, µs an image", *FORMATS)
    rows = [
        ("model inside: the event loop's thread", "embedded", "loop_us"),
        ("model inside: the whole process", "embedded", "gateway_us"),
        ("thin gateway", "thin", "gateway_us"),
        ("its model server (ours, in Python)", "thin", "server_us"),
    ]
    return _render_table(
        head,
        [
            [title, *(f"{getattr(figures.find_carried(system, name), field):.1f}" for name in FORMATS)]
            for title, system, field in rows
        ],
    )


def _render_model(figures: Figures) -> str:
    sizes = sorted({each.rows for each in figures.model})
    rates = {(each.signature, each.rows): each.rate for each in figures.model}
    signatures = dict.fromkeys(each.signature for each in figures.model)
    return _render_table(
        ("images/s of one core", *(f"batches of {size}" for size in sizes)),
        [[f"`{name}`", *(f"{rates[name, size]:,.0f}" for size in sizes)] for name in signatures],
    )


def _render_wire(figures: Figures) -> str:
    return _render_table(
        ("to `encode`", "bytes up", "bytes down", "Gbit/s up at 1 M images/s"),
        [[each.format, f"{each.up:,.0f}", f"{each.down:,.0f}", f"{each.up * 8e-3:.1f}"] for each in figures.wire],
    )


def _render_plans(figures: Figures) -> str:
    head = (
        "images/s, format",
        "requests/s",
        "Gbit/s up",
        "model inside: processes",
        "cores",
        "thin: gateways",
        "cores",
    )
    return _render_table((*head, "model servers' cores"), [_render_plan(figures, *each) for each in _list_plans()])


def _list_plans() -> list[tuple[int, str]]:
    return [(rate, name) for rate in _RATES for name in FORMATS]


def _render_plan(figures: Figures, rate: int, name: str) -> list[str]:
    inside, thin = _plan(figures, rate, name)
    return [
        f"{rate:,} {name}",
        f"{inside.requests_per_s:,.0f}",
        f"{inside.up_gbit_s:.2f}",
        f"{inside.gateways:,}",
        f"{inside.gateway_cores:,.1f}",
        f"{thin.gateways:,}",
        f"{thin.gateway_cores:,.1f}",
        f"{thin.model_cores:,.1f}",
    ]


def _render_cost(figures: Figures) -> str:
    plans = {name: _plan(figures, _RATES[-1], name) for name in FORMATS}
    return _render_table(
        ("US dollars for a billion images", *FORMATS),
        [
            ["model inside", *(f"{plans[name][0].cost:.2f}" for name in FORMATS)],
            ["thin, before model servers", *(f"{plans[name][1].cost:.2f}" for name in FORMATS)],
        ],
    )


def _plan(figures: Figures, rate: int, name: str) -> list[Need]:
    return list(plan(figures, rate, name, busy=BUSY, price=PRICE))
