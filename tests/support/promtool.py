"""Prometheus' own checker, where it is installed."""

import shutil
import subprocess

import pytest

_PROGRAM = shutil.which("promtool")

NEEDS_PROMTOOL = pytest.mark.skipif(_PROGRAM is None, reason="promtool is not installed (Debian's package prometheus)")
"""Mark of tests that run it."""


def run_promtool(*arguments: str, page: str = "") -> str:
    """All that it says; a test fails if it does not agree.

    Args:
        arguments: What it is to do.
        page: Its standard input.
    """
    answer = subprocess.run(
        [_PROGRAM or "promtool", *arguments], input=page, capture_output=True, text=True, timeout=300, check=False
    )
    said = answer.stdout + answer.stderr
    assert 0 == answer.returncode, said
    return said
