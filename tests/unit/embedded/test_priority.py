"""Threads that give way, and those beside them that do not."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.backends.embedded.priority import give_way

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="niceness is a thread's own on Linux alone")


def read_niceness() -> int:
    """That of the calling thread."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_only_the_threads_that_asked_give_way() -> None:
    """The thread of the event loop keeps its place."""
    with ThreadPoolExecutor(1, initializer=give_way) as polite, ThreadPoolExecutor(1) as plain:
        before = read_niceness()
        niceness = [pool.submit(read_niceness).result() for pool in (polite, plain)]

    assert [min(before + 10, 19), before] == niceness
    assert before == read_niceness()
