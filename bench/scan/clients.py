"""Runs the ordinary clients of the package index, uv and pip, within a time."""

import subprocess


class IndexUnavailableError(Exception):
    """The index did not answer, or said no; the text is the client's last words."""


def run_client(command: tuple[str, ...], *, timeout_s: float, text: str = "") -> tuple[str, str]:
    """What a client that is given this text prints, and what it says beside.

    Raises: IndexUnavailableError if it fails or takes too long.
    """
    try:
        outcome = subprocess.run(command, input=text, capture_output=True, text=True, timeout=timeout_s, check=True)
    except subprocess.TimeoutExpired as error:
        raise IndexUnavailableError(f"no answer within {timeout_s:g} s") from error
    except subprocess.CalledProcessError as error:
        raise IndexUnavailableError(error.stderr.strip().rpartition("\n")[2].strip()) from error
    return outcome.stdout, outcome.stderr
