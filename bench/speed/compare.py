"""`python -m bench.speed.compare REV`: the working tree against a commit, in interleaved rounds of one run.

The commit is checked out beside the working tree for as long as it lasts, and runs with the same Python and model.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.running import running_service
from bench.speed.contestants import Contestant, Server
from bench.speed.failures import FAILURES
from bench.speed.findings import Finding, compare, compare_p50, compare_p99, compare_processor, compare_rates
from bench.speed.helper import helper_process
from bench.speed.loads import Load, list_loads
from bench.speed.options import add_common, end_like_an_interrupt, load_digits
from bench.speed.report import render_findings, render_machine, render_samples, write_json
from bench.speed.rounds import measure_rounds
from bench.speed.sample import Round
from bench.speed.systems import System, linked_root, serve_from

NEW, OLD = "new", "old"

_HOW = {
    "images/s": compare_rates,
    "p50": compare_p50,
    "p99": compare_p99,
    "processor time of a request": compare_processor,
}


class UnknownRevisionError(Exception):
    """git knows no such commit, or could not check it out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both and print ratios, new / old; returns the exit status."""
    options = parse_options(arguments)
    end_like_an_interrupt()
    try:
        with checked_out(options.revision) as tree:
            rounds, findings = run(tree, options)
    except (UnknownRevisionError, *FAILURES) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    print("", render_machine(), "", render_samples(rounds), "", render_findings(findings), sep="\n")
    write_json(rounds, findings, vars(options), options.out / "compare.json")
    return 0


def run(tree: Path, options: argparse.Namespace) -> tuple[list[Round], list[Finding]]:
    """Measure the working tree, and the service in the other tree."""
    digits, loads = load_digits(options.data), list_loads(options.concurrencies)
    with (
        linked_root(options.version_dir) as root,
        helper_process() as helper,
        running_service(serve_from(root)) as new,
        running_service(serve_from(root), cwd=tree) as old,
    ):
        contestants: list[Contestant] = [
            Server(System(name, (service,)), helper, digits, service) for name, service in ((NEW, new), (OLD, old))
        ]
        rounds = list(measure_rounds(contestants, loads, options.rounds, options.seconds, _say))
    return rounds, find_changes(rounds, loads)


def find_changes(rounds: Sequence[Round], loads: Sequence[Load]) -> list[Finding]:
    """New / old for each load: images/s, latencies, processor time."""
    return [
        Finding(f"{name}, new / old", compare(rounds, load.name, (NEW, OLD), how), load=load.name)
        for load in loads
        for name, how in _HOW.items()
    ]


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A tree of the commit, removed at the end whatever happens.

    Raises:
        UnknownRevisionError: If there is no such commit.
    """
    commit = _run_git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not commit:
        raise UnknownRevisionError(f"git knows no commit {revision!r}")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        try:
            if _run_git("worktree", "add", "--detach", "--quiet", str(tree), commit) is None:
                raise UnknownRevisionError(f"git could not check out {revision!r}")
            yield tree
        finally:
            _run_git("worktree", "remove", "--force", str(tree))


def _run_git(*words: str) -> str | None:
    """What git prints; None if it fails."""
    done = subprocess.run(["git", *words], capture_output=True, text=True, timeout=60, check=False)  # noqa: S607 - the caller's own git
    return None if done.returncode else done.stdout.strip()


def _say(line: str) -> None:
    print(line, flush=True)


def parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What it is told on its command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.compare", description=__doc__)
    parser.add_argument("revision", help="the commit that is held against the working tree, as git names it")
    add_common(parser, seconds=2.0)
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder for compare.json (%(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
