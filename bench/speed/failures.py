"""What is told in one line when a bench cannot be run or gives no figures."""

import subprocess

from bench.plain_http import UnexpectedAnswerError
from bench.running import ServiceFailedError
from bench.speed.checks import WrongAnswerError
from bench.speed.flame import NoFlameError
from bench.speed.systems import SystemFailedError

FAILURES = (
    NoFlameError,
    ServiceFailedError,
    SystemFailedError,
    TimeoutError,
    UnexpectedAnswerError,
    WrongAnswerError,
    subprocess.SubprocessError,
)
"""To be caught by both commands."""
