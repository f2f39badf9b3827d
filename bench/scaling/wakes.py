"""How long a sleeping thread takes to run once somebody has woken it: the machine's part of every change of threads."""

import os
import threading
import time

import numpy as np

from bench.scaling.work import Table

_PAUSE_S = 0.004
_STAMP_BYTES = 8


def measure_wakes(seconds: float) -> Table:
    """Seconds from a write into a pipe until the thread that waits for it runs, some hundred times a second."""
    reading, writing = os.pipe()
    delays: list[float] = []
    sleeper = threading.Thread(target=_note_delays, args=(reading, delays))
    sleeper.start()
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        time.sleep(_PAUSE_S)
        os.write(writing, np.float64(time.monotonic()).tobytes())
    os.close(writing)
    sleeper.join()
    os.close(reading)
    return np.array(delays)


def _note_delays(reading: int, delays: list[float]) -> None:
    while stamp := os.read(reading, _STAMP_BYTES):
        delays.append(time.monotonic() - float(np.frombuffer(stamp)[0]))
