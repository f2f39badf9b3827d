"""`python -m bench.scaling check|measure|plan`: how the service scales.

check holds the simulation against a running service at two loads, about two minutes; exit status 1 if a simulated p99
is not within 25 % of the measured one. measure does that and everything else that docs/scaling.md says, about five
minutes, and writes page and pictures anew. plan says what a rate of images needs, from what measure has found.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.scaling.check import compare, render
from bench.scaling.figures import FILE, read_figures
from bench.scaling.page import BUSY, PRICE
from bench.scaling.plan import FORMATS, plan
from bench.scaling.plan import render as render_plan
from bench.scaling.survey import survey, write_check
from bench.scaling.windows import Plan, measure
from bench.speed.failures import FAILURES
from bench.speed.options import end_like_an_interrupt, load_digits


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked for; returns the exit status."""
    options = _parse(arguments)
    if options.command == "plan":
        needs = plan(
            read_figures(options.figures), options.rate, options.format, busy=options.busy, price=options.price
        )
        print(render_plan(needs))
        return 0
    end_like_an_interrupt()
    try:
        return _check(options) if options.command == "check" else _survey(options)
    except FAILURES as error:
        print(error, file=sys.stderr)
        return 2


def _check(options: argparse.Namespace) -> int:
    measured = measure(_read_plan(options), load_digits(options.data), _say)
    comparisons = compare(measured.windows)
    print(render(comparisons))
    write_check(comparisons, options.out)
    return 0 if all(each.holds for each in comparisons) else 1


def _survey(options: argparse.Namespace) -> int:
    figures = survey(_read_plan(options), load_digits(options.data), _say)
    print(render(figures.comparisons))
    return 0 if all(each.holds for each in figures.comparisons) else 1


def _read_plan(options: argparse.Namespace) -> Plan:
    return Plan(options.shares, options.rounds, options.seconds)


def _say(line: str) -> None:
    print(line, flush=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("check", "measure"):
        _add_measuring(commands.add_parser(name))
    asked = commands.add_parser("plan")
    asked.add_argument("--rate", type=_within(1e12), required=True, help="images per second")
    asked.add_argument("--format", choices=FORMATS, default="png", help="how they come (%(default)s)")
    asked.add_argument(
        "--busy", type=_within(1), default=BUSY, help="share of each core that may be used (%(default)s)"
    )
    asked.add_argument("--price", type=_within(1e6), default=PRICE, help="of a core for an hour (%(default)s)")
    asked.add_argument("--figures", type=Path, default=FILE, help="what `measure` has written")
    return parser.parse_args(arguments)


def _add_measuring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=_parse_count, default=8, help="interleaved rounds (%(default)s)")
    parser.add_argument("--seconds", type=_within(600), default=4.0, help="of each load in each round (%(default)s)")
    parser.add_argument(
        "--shares", type=_within(1), nargs="+", default=(0.4, 0.6), help="loads, as shares of the capacity (0.4 0.6)"
    )
    parser.add_argument("--data", default="digits", help="as for `python -m training fit`; its test digits are sent")
    parser.add_argument("--out", type=Path, default=Path("build/scaling"), help="folder for check.json (%(default)s)")


def _within(most: float) -> Callable[[str], float]:
    """Reads a number above 0 and up to `most`."""

    def number(text: str) -> float:
        value = float(text)
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not above 0 and up to {most:g}")
        return value

    return number


def _parse_count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
