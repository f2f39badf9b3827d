"""All measurements behind docs/scaling.md, its tables and its pictures, in one go."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import TypeAdapter

from bench.scaling.carried import Carried, measure_call_s, measure_carried, measure_model
from bench.scaling.check import Comparison, compare
from bench.scaling.figures import Figures, write_figures
from bench.scaling.page import rewrite_file
from bench.scaling.plot import draw
from bench.scaling.scenarios import Curve, draw_curve, list_settings, pool_costs
from bench.scaling.windows import Measured, Plan, measure
from bench.scaling.wire import count_bytes
from bench.speed.report import render_machine
from bench.speed.systems import linked_root
from service.domain import Images

PAGE = Path("docs/scaling.md")
PICTURES = Path("docs/images")

_VERSION = Path("models/digits/1")
_SECONDS = 3.0
_CHECK = TypeAdapter(list[Comparison])


def survey(plan: Plan, digits: Images, say: Callable[[str], None]) -> Figures:
    """Measure, simulate, and write figures, page and pictures."""
    measured = measure(plan, digits, say)
    with linked_root(_VERSION) as root:
        say("what each format costs")
        carried = measure_carried(root, digits, _SECONDS)
        say("the model alone")
        model, call_s = measure_model(_VERSION, digits, _SECONDS), measure_call_s(root, _VERSION, digits, _SECONDS)
    say("bytes on the wire")
    wire = count_bytes(digits)
    say("simulating")
    comparisons = compare(measured.windows)
    capacity = statistics.median(measured.capacities)
    curves = _draw_curves(measured, capacity, call_s, carried)
    figures = Figures(render_machine(), capacity, call_s, comparisons, carried, model, wire, curves)
    write_figures(figures)
    rewrite_file(PAGE, figures)
    draw(curves, comparisons, PICTURES)
    return figures


def write_check(comparisons: Sequence[Comparison], folder: Path) -> None:
    """Write what a check has found as check.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "check.json").write_bytes(_CHECK.dump_json(list(comparisons), indent=1) + b"\n")


def _draw_curves(measured: Measured, capacity: float, call_s: float, carried: Sequence[Carried]) -> list[Curve]:
    found = {(each.system, each.format): each for each in carried}
    thin_factor = found["thin", "png"].gateway_us / found["embedded", "png"].loop_us
    costs = pool_costs(measured)
    return [draw_curve(setting, costs, capacity) for setting in list_settings(call_s, thin_factor)]
