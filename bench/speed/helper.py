"""A process of its own for whatever measures, so that it shares no interpreter with its neighbours."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

# Beyond what was asked for: the start of a process that loads TensorFlow on a busy machine.
_LIMIT_S = 180.0

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class Helper:
    """Runs functions of modules, one after the other, in its process."""

    def __init__(self, executor: ProcessPoolExecutor) -> None:
        self._executor = executor

    def call(
        self, function: Callable[_Parameters, _Result], *args: _Parameters.args, **kwargs: _Parameters.kwargs
    ) -> _Result:
        """What the function returns there; it raises here what it raises there.

        Raises:
            TimeoutError: If it takes longer than three minutes.
        """
        return self._executor.submit(function, *args, **kwargs).result(_LIMIT_S)


@contextmanager
def helper_process() -> Iterator[Helper]:
    """A fresh process for as long as the block lasts."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, _leave_interrupts_to_the_parent) as executor:
        yield Helper(executor)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
