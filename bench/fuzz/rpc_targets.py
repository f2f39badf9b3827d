"""Calls over gRPC whose messages are odd: every unary method of every service, and the streams."""

from collections.abc import Callable, Mapping
from functools import partial
from random import Random

from bench.fuzz import seeds
from bench.fuzz.cases import RpcCase
from bench.fuzz.mutation import mutate_message

RpcMaker = Callable[[Random], RpcCase]

_MAX_STREAMED = 5


def _make_unary(service: str, chance: Random) -> RpcCase:
    """A call of one method of the service, picked by chance."""
    methods = [(path, message) for path, message in seeds.messages() if path.startswith(f"/{service}")]
    path, message = chance.choice(methods)
    return RpcCase(path, (mutate_message(message, chance),))


def _make_stream(chance: Random) -> RpcCase:
    path, message = chance.choice(seeds.streams())
    count = chance.randint(0, _MAX_STREAMED)
    return RpcCase(path, tuple(mutate_message(message, chance) for _ in range(count)), is_stream=True)


RPC_TARGETS: Mapping[str, RpcMaker] = {
    "gRPC Codec": partial(_make_unary, "digitcodec."),
    "gRPC OIP": partial(_make_unary, "inference."),
    "gRPC TF Serving": partial(_make_unary, "tensorflow."),
    "gRPC health": partial(_make_unary, "grpc.health."),
    "gRPC streams": _make_stream,
}
