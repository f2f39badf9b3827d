"""Callers without a key, with a wrong one, or with one that is good no more."""

from typing import Any

from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from support.attacks.base import IMAGE, OCTETS, Attack, Send, Target, ask, ask_each, tell, tell_call, wait_until
from support.attacks.rpc import call

from service.wire import codec_pb2 as pb
from service.wire import tensorflow_serving as tfs

SHUT = "401 `unauthenticated`"
SHUT_CALL = "`UNAUTHENTICATED` `unauthenticated`"

_OPEN_PATHS = (
    "/livez",
    "/readyz",
    "/startupz",
    "/",
    "/web/js/app.js",
    "/docs",
    "/openapi.json",
    "/v2/health/live",
    "/v2/health/ready",
)
_SHUT_PATHS = ("/models", "/metrics", "/monitoring/prometheus/metrics", "/nowhere", "/encode")
_NEIGHBOURS_PATHS = ("/v2", "/v2/models/digits-encode", "/v1/models/digits")


def _score_with(headers: dict[str, str], path: str = "/score") -> Send:
    """A good request with these headers; KEY stands for a good key."""

    async def send(target: Target) -> str:
        given = {name: value.replace("KEY", target.keys["caller"]) for name, value in headers.items()}
        async with target.client() as client:
            url = path.replace("KEY", target.keys["caller"])
            return tell(await client.post(url, content=IMAGE, headers={**OCTETS, **given}))

    return send


def _get_each(paths: tuple[str, ...]) -> Send:
    return ask_each(ask(path, method="GET", keyed=False) for path in paths)


async def _ask_health(target: Target) -> str:
    async with target.channel() as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        return await tell_call(stub.Check(health_pb2.HealthCheckRequest()))


async def _ask_reflection(target: Target) -> str:
    async with target.channel() as channel:
        either_channel: Any = channel  # the stubs know the blocking one alone
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(either_channel)
        stream = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        return await tell_call(stream.read())


async def _take_key_away(target: Target) -> str:
    text = target.keys_file.read_text()
    target.keys_file.write_text(text.replace("[keys.leaver]", "[keys.successor]").replace(_find_digest(text), "0" * 64))

    async def is_shut() -> bool:
        return await target.score("leaver") == SHUT

    await wait_until(is_shut)
    return await target.score("leaver")


def _find_digest(text: str) -> str:
    return text.partition("[keys.leaver]")[2].partition('"')[2].partition('"')[0]


async def _break_keys_file(target: Target) -> str:
    good = target.keys_file.read_text()
    target.keys_file.write_text("[keys.caller")

    async def is_told() -> bool:
        return "keys_unusable" in target.read_log()

    try:
        await wait_until(is_told)
        return _tell_both(await target.score(), await _score_with({})(target))
    finally:
        target.keys_file.write_text(good)


def _tell_both(known: str, stranger: str) -> str:
    """What a good key gets, and what any other."""
    return f"{known} with a good key, {stranger} without"


ATTACKS = (
    Attack("no key", SHUT, _score_with({})),
    Attack("wrong key", SHUT, _score_with({"authorization": "Bearer digitcodec_wrong"})),
    Attack("key in the query", SHUT, _score_with({}, "/score?key=KEY&api_key=KEY&access_token=KEY")),
    Attack(
        "key in another scheme",
        SHUT,
        ask_each(_score_with({"authorization": value}) for value in ("KEY", "Basic KEY", "Digest KEY", "BearerKEY")),
    ),
    Attack("empty key", SHUT, ask_each([_score_with({"authorization": "Bearer"}), _score_with({"x-api-key": ""})])),
    Attack("probes and pages without a key", "200", _get_each(_OPEN_PATHS)),
    Attack("everything else without a key, known or not", SHUT, _get_each(_SHUT_PATHS)),
    Attack("other protocols without a key", "401", _get_each(_NEIGHBOURS_PATHS)),
    Attack("gRPC health without a key", "`OK`", _ask_health),
    Attack(
        "gRPC without a key",
        SHUT_CALL,
        ask_each(
            [
                call("/digitcodec.v1.Codec/Score", pb.ScoreRequest(images=pb.Images(packed=IMAGE)), keyed=False),
                call("/inference.GRPCInferenceService/ModelInfer", b"", keyed=False),
                call(tfs.PREDICT.path, b"", keyed=False),
            ]
        ),
    ),
    Attack("gRPC reflection without a key", SHUT_CALL, _ask_reflection),
    Attack("key that was taken away", SHUT, _take_key_away),
    Attack("file of keys that breaks", _tell_both("200", SHUT), _break_keys_file),
)
