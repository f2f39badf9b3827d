"""`python -m bench.speed`: the service against a naive server, a bare one, direct calls of the model and a model server
behind it, in interleaved rounds of one run.

Everything shares the machine with the load, so only ratios carry over.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.speed.calls import answer_directly
from bench.speed.checks import check_answers
from bench.speed.contestants import Contestant, Server, Session, Stub
from bench.speed.failures import FAILURES
from bench.speed.findings import Finding, find_growth, find_ratios
from bench.speed.flame import draw_flame, find_py_spy
from bench.speed.helper import Helper, helper_process
from bench.speed.loads import SIGNATURES, Load, list_loads
from bench.speed.memory import measure_memory
from bench.speed.neighbours import measure_neighbours
from bench.speed.options import add_common, end_like_an_interrupt, load_digits
from bench.speed.plot import draw_concurrency, draw_histograms
from bench.speed.report import render_findings, render_machine, render_samples, write_json
from bench.speed.rounds import measure_rounds
from bench.speed.sample import Round
from bench.speed.systems import System, floor_system, linked_root, naive_system, our_system, thin_system
from service.domain import Images


@dataclass(frozen=True, slots=True)
class Field:
    """Everything that runs.

    Attributes:
        ours: The service.
        contestants: The service and all others.
        client: Where the load comes from.
    """

    ours: System
    contestants: list[Contestant]
    client: Helper


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; returns the exit status."""
    options = _parse(arguments)
    end_like_an_interrupt()
    try:
        if options.flame:
            find_py_spy()
        run(options)
    except FAILURES as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def run(options: argparse.Namespace) -> tuple[list[Round], list[Finding]]:
    """Measure everything that was asked for; prints and writes what it finds."""
    digits, loads = load_digits(options.data), list_loads(options.concurrencies)
    with linked_root(options.version_dir) as root:
        with open_field(options.version_dir, root, digits, loads) as field:
            if options.flame:  # first: should it fail, nothing was measured in vain
                draw_flame(field.ours, field.client, digits, options.flame)
            rounds = list(measure_rounds(field.contestants, loads, options.rounds, options.seconds, _say))
            neighbours = list(measure_neighbours(field.ours, field.client, options.rounds, options.seconds))
        findings = [*find_ratios(rounds, loads), find_growth(neighbours)]
        if options.memory:
            with helper_process() as helper:
                findings.append(measure_memory(root, helper, digits, _say))
    _write(rounds, findings, options)
    return rounds, findings


@contextmanager
def open_field(version: Path, root: Path, digits: Images, loads: Sequence[Load]) -> Iterator[Field]:
    """Start all systems, and check their answers."""
    _say("starting the systems")
    with (
        helper_process() as client,
        helper_process() as caller,
        our_system(root) as ours,
        naive_system(version) as naive,
        floor_system() as floor,
        thin_system(root) as (thin, target),
    ):
        session = Session(caller, version, digits, ours.name)
        servers = [Server(ours, client, digits, ours.processes[0])]
        servers += [Server(each, client, digits) for each in (naive, floor, thin)]
        expected = {each: caller.call(answer_directly, version, each, digits) for each in SIGNATURES}
        for system in (ours, naive, thin):
            check_answers(system, loads, digits, expected)
        _say("the systems are ready, and their answers are right")
        yield Field(ours, [*servers, session, Stub(caller, target, digits)], client)


def _write(rounds: list[Round], findings: list[Finding], options: argparse.Namespace) -> None:
    print("", render_machine(), "", render_samples(rounds), "", render_findings(findings), sep="\n")
    write_json(rounds, findings, vars(options), options.out / "results.json")
    draw_concurrency(rounds, options.concurrencies, options.out / "concurrency.png")
    draw_histograms(rounds, options.concurrencies, options.out / "histograms.png")
    print(f"\nwritten to {options.out}: results.json, concurrency.png, histograms.png")


def _say(line: str) -> None:
    print(line, flush=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    add_common(parser, seconds=1.2)
    parser.add_argument("--memory", action="store_true", help="also the memory after a million requests: minutes more")
    parser.add_argument("--flame", type=Path, metavar="FILE.svg", help="also a flame graph of the service, by py-spy")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder for results (%(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
