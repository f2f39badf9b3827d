"""Are the answers right? Every digit is asked at once from many threads, so that mixed-up callers are seen, too."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from bench.speed.loads import Indices, Load, Signature, list_rows, write_requests
from bench.speed.systems import System
from bench.words import http
from bench.words.ask import Arrays, HttpRequest, Reply
from service.domain import Images

_AT_ONCE = 16
_TIMEOUT_S = 60.0
# TensorFlow called from Python has other kernels than the session for some operations (docs/adr/0002). The codes of
# two digits differ by far more.
_TOLERANCES = {"codes": 1e-3, "errors": 1e-4, "reconstructions": 2}
_ANSWERED: Mapping[Signature, tuple[str, ...]] = {"encode": ("codes",), "reconstruct": ("errors", "reconstructions")}


class WrongAnswerError(Exception):
    """A system answered something else than the model; the text says what."""


def check_answers(system: System, loads: Sequence[Load], digits: Images, expected: Mapping[Signature, Arrays]) -> None:
    """Ask one request of each kind of load and digit, and compare.

    Args:
        system: Which is asked.
        loads: Of each kind one is asked, whatever its callers.
        digits: What is sent.
        expected: Outputs of the graph's signatures for the digits, row by row.

    Raises:
        WrongAnswerError: At the first difference.
    """
    kinds = {(load.signature, load.rows): load for load in loads if system.find_path(load)}
    with ThreadPoolExecutor(_AT_ONCE) as executor, httpx.Client(base_url=system.processes[0].url) as caller:
        for load in kinds.values():
            requests = _place(write_requests(load, digits), system.find_path(load) or "/")
            rows = list_rows(load, len(digits))
            tasks = [executor.submit(_ask, caller, request, load) for request in requests]
            answers = [task.result() for task in tasks]
            wanted = (_pick(expected[load.signature], each, load) for each in rows)
            for problem in chain(*map(find_differences, answers, wanted)):
                raise WrongAnswerError(f"{system.name}, {load.name}: {problem}")


def find_differences(answer: Arrays, expected: Arrays) -> Iterator[str]:
    """What is wrong in an answer, in words."""
    for name in expected:
        if name not in answer:
            yield f"{name} are missing"
        elif answer[name].shape != expected[name].shape:
            yield f"{name} have the shape {answer[name].shape}, expected {expected[name].shape}"
        elif not _is_near(answer[name], expected[name], _TOLERANCES[name]):
            yield f"{name} are not those of the image"


def _is_near(left: NDArray[Any], right: NDArray[Any], tolerance: float) -> bool:
    return bool(np.abs(left.astype(np.float64) - right.astype(np.float64)).max(initial=0) <= tolerance)


def _place(requests: Sequence[HttpRequest], path: str) -> list[HttpRequest]:
    return [replace(request, path=path) for request in requests]


def _pick(expected: Arrays, rows: Indices, load: Load) -> Arrays:
    """The rows of what an answer must hold; anomaly scores are not every system's."""
    names = _ANSWERED[load.signature]
    return {name: expected[name][rows] for name in names}


def _ask(caller: httpx.Client, request: HttpRequest, load: Load) -> Arrays:
    reply = caller.post(request.path, content=request.body, headers=request.headers, timeout=_TIMEOUT_S)
    form = http.PNG if load.rows == 1 else http.NPY
    return form.read(load.signature, Reply(str(reply.raise_for_status().status_code), reply.content)).outputs
