"""Turns Ctrl-C and SIGTERM into a wish that a fit can grant between two calls of its graph."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def wishes_to_stop() -> Iterator[Callable[[], bool]]:
    """Lend a function that is True once a signal came; the second signal acts as it would have without us.

    Outside the main thread, where Python lets nobody handle signals, it stays False.
    """
    wished = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield wished.is_set
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def wish(number: int, _frame: FrameType | None) -> None:
        wished.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in _SIGNALS:
        signal.signal(number, wish)
    try:
        yield wished.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
