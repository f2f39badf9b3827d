"""The same call again and again in this process, and how long it takes: what there is to compare a service with.

Each function runs in a process of its own (`bench.speed.helper`), which keeps what it has loaded.
"""

import time
from collections.abc import Callable, Sequence
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from bench.speed.loads import Signature
from bench.words import serving
from bench.words.ask import Reply, RpcRequest
from service.backends.contract import ENCODE, RECONSTRUCT
from service.backends.embedded.quiet import held_back_stderr
from service.domain import Images, Rows
from service.settings import EmbeddedBackendSettings
from service.wire.tensorflow_serving import PREDICT

_OUTPUTS = {"encode": ENCODE, "reconstruct": RECONSTRUCT}
_WARM_CALLS = 20
_TIMEOUT_S = 10.0


def answer_directly(version: Path, signature: Signature, images: Images) -> dict[str, Rows]:
    """What the C++ session that the service uses answers for the images, one by one."""
    graph = _load_graph(version)
    answers = [graph.run(signature, _OUTPUTS[signature], image[None]) for image in images]
    return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}


def time_session(version: Path, signature: Signature, batches: Sequence[Images], seconds: float) -> NDArray[np.float64]:
    """How long each call of that session took, one after the other in one thread, with the batches in turn."""
    graph, outputs = _load_graph(version), _OUTPUTS[signature]
    return _time_calls(lambda images: graph.run(signature, outputs, images), batches, seconds)


def time_predict(target: str, batches: Sequence[Images], seconds: float) -> NDArray[np.float64]:
    """How long each Predict call took for codes: images -> message -> answer -> array, without a gateway.

    Args:
        target: gRPC target of a model server.
        batches: Sent in turn.
        seconds: That are measured.
    """
    with grpc.insecure_channel(target) as channel:
        stub: Any = channel.unary_unary(PREDICT.path)
        return _time_calls(lambda images: _predict(stub, images), batches, seconds)


def _predict(stub: Any, images: Images) -> Any:
    request = serving.RPC.write("encode", images)
    if not isinstance(request, RpcRequest):
        raise TypeError("the words of gRPC are no call. This is a bug")
    return serving.RPC.read("encode", Reply("OK", stub(request.message, timeout=_TIMEOUT_S)))


@cache
def _load_graph(version: Path) -> Any:
    with held_back_stderr():
        from service.backends.embedded.graph import Graph, list_devices

        list_devices()
        graph = Graph(version, EmbeddedBackendSettings().intra_op_threads)
    graph.warm_up((1, 2, 32))
    return graph


def _time_calls(call: Callable[[Images], Any], batches: Sequence[Images], seconds: float) -> NDArray[np.float64]:
    turns = cycle(batches)
    for _ in range(_WARM_CALLS):
        call(next(turns))
    times_s = []
    end_s = time.perf_counter() + seconds
    while (began_s := time.perf_counter()) < end_s:
        call(next(turns))
        times_s.append(time.perf_counter() - began_s)
    return np.array(times_s)
