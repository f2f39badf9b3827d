"""Fuzz a service of one's own for some minutes, or send one finding again.

Exit status 0: nothing found; 1: findings, which lie in the folder.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.fuzz.campaign import Campaign, Tally
from bench.fuzz.findings import load_finding
from bench.fuzz.health import MAX_GROWTH_MIB, HealthWatch
from bench.fuzz.replies import FindingError
from bench.fuzz.schema import run_schemathesis
from bench.fuzz.sending import Sender
from bench.running import RunningService, running_service

# Short, so that a request that hangs shows soon; a request may ask for no more than the second.
_DEFAULT_TIMEOUT_S, _MAX_TIMEOUT_S = 3, 5
_SETTINGS = {
    "DIGITCODEC_LIMITS__DEFAULT_TIMEOUT_S": str(_DEFAULT_TIMEOUT_S),
    "DIGITCODEC_LIMITS__MAX_TIMEOUT_S": str(_MAX_TIMEOUT_S),
    "DIGITCODEC_MODEL__LABELS": '{"stable": 1}',
}
# Beyond the deadline: for a machine that does something else at the moment.
_PATIENCE_S = 5
# The first round loads every codec and fills every cache; memory is compared with what it is after that.
_FIRST_SHARE, _SCHEMA_SHARE = 0.1, 0.15


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long to fuzz (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="decides what is sent (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("build/fuzz"), help="takes the findings (default: %(default)s)"
    )
    parser.add_argument("--replay", type=Path, metavar="FINDING", help="send this finding again, and nothing else")
    options = parser.parse_args(arguments)
    with running_service(_SETTINGS) as service:
        sender = Sender(service, _MAX_TIMEOUT_S + _PATIENCE_S)
        try:
            if options.replay:
                return _replay(options.replay, sender, HealthWatch(service, sender))
            return _fuzz(service, sender, options.seconds, options.seed, options.out)
        finally:
            sender.close()


def _replay(path: Path, sender: Sender, health: HealthWatch) -> int:
    try:
        for case in load_finding(path):
            print(f"answered as documented: {sender.send(case)}")
        health.check()
    except FindingError as error:
        print(f"finding: {error}")
        return 1
    return 0


def _fuzz(service: RunningService, sender: Sender, seconds: float, seed: int, folder: Path) -> int:
    health, tell = HealthWatch(service, sender), partial(_tell, time.monotonic())
    campaign = Campaign(sender, health, folder, seed)
    campaign.run_round(seconds * _FIRST_SHARE, tell)
    before_mib = service.memory_mib()
    tell(f"schemathesis: {seconds * _SCHEMA_SHARE:.0f} s")
    schema, complaints = _run_schema(service, folder, seconds * _SCHEMA_SHARE, seed)
    campaign.run_round(seconds * (1 - _FIRST_SHARE - _SCHEMA_SHARE), tell)
    complaints += _look_at_end(service, health, before_mib)
    _print_table([*campaign.tallies.values(), schema])
    for line in [*map(str, campaign.findings), *complaints]:
        print(f"finding: {line}")
    print(f"{sum(tally.cases for tally in campaign.tallies.values())} cases, seed {seed}")
    return 1 if complaints or campaign.findings else 0


def _run_schema(service: RunningService, folder: Path, seconds: float, seed: int) -> tuple[Tally, list[str]]:
    folder.mkdir(parents=True, exist_ok=True)
    report = run_schemathesis(service, folder, seconds=seconds, seed=seed, limit_s=_MAX_TIMEOUT_S + _PATIENCE_S)
    tally, path = Tally("schemathesis", report.cases, report.statuses), folder / "schemathesis.txt"
    if not report.output:
        return tally, []
    path.write_text(report.output, encoding="utf-8")
    tally.findings.append(path)
    return tally, [str(path)]


def _look_at_end(service: RunningService, health: HealthWatch, before_mib: float) -> list[str]:
    complaints = []
    for look in (health.check, health.check_end):
        try:
            look()
        except FindingError as error:
            complaints.append(str(error))
    growth_mib = service.memory_mib() - before_mib
    print(f"memory: {before_mib:.0f} MiB after the first round, {growth_mib:+.0f} MiB at the end")
    if growth_mib > MAX_GROWTH_MIB:
        complaints.append(f"memory grew by {growth_mib:.0f} MiB, the limit is {MAX_GROWTH_MIB:.0f}")
    return complaints


def _print_table(tallies: list[Tally]) -> None:
    print("| target | cases | answers | slowest, ms | findings |\n| --- | --- | --- | --- | --- |")
    for tally in tallies:
        answers = ", ".join(f"{status}: {count}" for status, count in tally.statuses.most_common())
        print(f"| {tally.name} | {tally.cases} | {answers} | {tally.slowest_ms:.0f} | {len(tally.findings)} |")


def _tell(began_s: float, text: str) -> None:
    print(f"{time.monotonic() - began_s:5.0f} s  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
