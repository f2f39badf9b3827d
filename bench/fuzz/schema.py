"""schemathesis as a child process on the live OpenAPI document; its report becomes a count and complaints."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.running import RunningService

# Beyond its own limit of time it writes its reports.
_SPARE_S = 60.0
_CONFIG = Path(__file__).with_name("schemathesis.toml")


@dataclass(frozen=True, slots=True)
class SchemaReport:
    """What a run found.

    Attributes:
        cases: Requests that were sent.
        statuses: How often each status came.
        output: What it printed; empty if it found nothing.
    """

    cases: int
    statuses: Counter[str]
    output: str


def run_schemathesis(
    service: RunningService, folder: Path, *, seconds: float, seed: int, limit_s: float
) -> SchemaReport:
    """Test all documented routes for so long.

    Args:
        service: Which serves the document too.
        folder: Takes the reports.
        seconds: For how long.
        seed: Decides what is tried.
        limit_s: Longest wait for an answer.
    """
    events = folder.resolve() / "schemathesis.ndjson"
    events.unlink(missing_ok=True)
    command = [sys.executable, "-m", "schemathesis.cli", f"--config-file={_CONFIG}", "--no-color", "run"]
    command += [f"{service.url}/openapi.json", f"--max-time={max(1, int(seconds))}", f"--seed={seed}"]
    command += ["--phases=examples,coverage,fuzzing", f"--request-timeout={limit_s}", "--generation-database=none"]
    command += ["--report=ndjson", f"--report-ndjson-path={events}", "--continue-on-failure"]
    # It leaves folders of its own where it is started.
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds + _SPARE_S, check=False)
    statuses = _count_statuses(events)
    return SchemaReport(statuses.total(), statuses, "" if done.returncode == 0 else done.stdout + done.stderr)


def _count_statuses(events: Path) -> Counter[str]:
    """The statuses of all answers in a report of events."""
    statuses: Counter[str] = Counter()
    for line in events.read_text(encoding="utf-8").splitlines() if events.exists() else ():
        _walk(json.loads(line), statuses)
    return statuses


def _walk(node: Any, statuses: Counter[str]) -> None:
    if isinstance(node, list):
        for child in node:
            _walk(child, statuses)
    elif isinstance(node, dict):
        if "status_code" in node:
            statuses[str(node["status_code"])] += 1
        for child in node.values():
            _walk(child, statuses)
