"""Whole bulk jobs, as a user starts them."""

import subprocess
from pathlib import Path

from bench.bulk.running import build_command

LIMIT_S = 240
"""Most seconds of a job on a machine that has much else to do."""

FLAGS = ("--shard-rows", "16", "--cleaned")
"""Small shards, so that there are many; what is compared byte for byte is made with these."""


def run_job(inputs: Path | str, output: Path | str, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run a job to its end, whatever that is."""
    command = build_command([inputs], output, *FLAGS, *flags)
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
