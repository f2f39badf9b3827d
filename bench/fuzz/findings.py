"""Findings on disk: what was sent, and what was wrong, so that each can be sent again."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.fuzz.cases import Case, dump_case, load_case

_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


def save_finding(folder: Path, target: str, index: int, cases: Sequence[Case], complaint: str) -> Path:
    """Write one finding; returns where.

    Args:
        folder: Is made where it is missing.
        target: Which target's case it was.
        index: Its number in the target.
        cases: What was sent last, the newest at the end: what a case does to the service may only show at the next.
        complaint: What was wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_NOT_PLAIN.sub('-', target.lower())}-{index}.json"
    document = {"target": target, "index": index, "complaint": complaint, "cases": [dump_case(case) for case in cases]}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path


def load_finding(path: Path) -> list[Case]:
    """The cases of a finding."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return [load_case(case) for case in document["cases"]]
