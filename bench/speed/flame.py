"""A flame graph of the service under load, by py-spy."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.speed import client
from bench.speed.helper import Helper
from bench.speed.loads import Load, render_requests
from bench.speed.systems import System
from service.domain import Images

_LOAD = Load("encode", 64)
_SECONDS = 8.0
_PY_SPY_EXTRA_S = 60.0
_RATE = "400"


class NoFlameError(Exception):
    """There can be no flame graph; the text says why."""


def find_py_spy() -> str:
    """The program, beside this Python or on the path.

    Raises:
        NoFlameError: If it is not installed.
    """
    found = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if found is None:
        raise NoFlameError("no flame graph: py-spy is not installed: pip install py-spy")
    return found


def draw_flame(system: System, helper: Helper, digits: Images, path: Path) -> None:
    """Let py-spy watch the system while 64 callers ask it.

    Raises:
        NoFlameError: If py-spy is not installed, or may not look into the process.
    """
    command = [find_py_spy(), "record", "-r", _RATE, "-d", f"{_SECONDS:.0f}", "-f", "flamegraph", "-o", str(path)]
    pid = str(system.processes[0].process.pid)
    requests = render_requests(_LOAD, digits, "/encode")
    path.parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(1) as executor:
        load = executor.submit(
            helper.call, client.ask, system.port, requests, _LOAD.callers, seconds=_SECONDS + 1, warm_s=0.5
        )
        watch = subprocess.run(
            [*command, "-p", pid], capture_output=True, text=True, timeout=_SECONDS + _PY_SPY_EXTRA_S, check=False
        )
        load.result()
    if watch.returncode:
        raise NoFlameError(
            f"no flame graph: py-spy ended with status {watch.returncode}: {watch.stderr.strip()[-300:]}"
        )
