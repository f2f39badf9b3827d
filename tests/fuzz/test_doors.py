"""Every door in process: odd requests get documented answers, and the same case is made again by its number."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import orjson
import pytest
from support.fuzz_doors import FuzzDoors, open_fuzz_doors

from bench.fuzz import seeds
from bench.fuzz.campaign import TARGETS, make_case
from bench.fuzz.cases import HttpCase, RawCase, RpcCase, dump_case, load_case
from bench.fuzz.http_targets import HTTP_TARGETS
from bench.fuzz.judge import judge_http, judge_rpc
from bench.fuzz.rpc_targets import RPC_TARGETS
from bench.fuzz.sending import send_raw

SEED = 20261127
CASES = 120
PATIENCE_S = 10.0


@pytest.fixture
async def doors() -> AsyncIterator[FuzzDoors]:
    """All doors of one gateway."""
    async with open_fuzz_doors() as opened:
        yield opened


# The fake's own arithmetic overflows at codes that a real model takes.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("target", HTTP_TARGETS)
async def test_odd_requests_get_documented_answers(target: str, doors: FuzzDoors) -> None:
    """Whatever is odd in a request over HTTP, status and shape of its answer are documented."""
    for index in range(CASES):
        case = make_case(target, SEED, index)
        assert isinstance(case, HttpCase)
        if (reply := await doors.request(case)) is not None:
            judge_http(case, reply)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("target", RPC_TARGETS)
async def test_odd_calls_get_documented_statuses(target: str, doors: FuzzDoors) -> None:
    """Whatever is odd in the messages of a call, its status and details are documented."""
    for index in range(CASES):
        case = make_case(target, SEED, index)
        assert isinstance(case, RpcCase)
        judge_rpc(case, await doors.call(case))


async def test_odd_frames_leave_the_grpc_server_alive(doors: FuzzDoors) -> None:
    """Whatever is odd in the frames of HTTP/2, the connection ends, and others are answered."""
    host, _, port = doors.address.rpartition(":")
    for index in range(CASES // 2):
        case = make_case("raw HTTP/2", SEED, index)
        assert isinstance(case, RawCase)
        await asyncio.to_thread(send_raw, case.data, (host, int(port)), PATIENCE_S)

    assert "OK" == (await doors.call(RpcCase("/inference.GRPCInferenceService/ServerLive", (b"",)))).code


async def test_seeds_are_good_requests(doors: FuzzDoors) -> None:
    """What the damage is done to is answered well where it is whole, so that damage gets past the first check."""
    octets = ((b"content-type", b"application/octet-stream"),)
    form = ((b"content-type", b"multipart/form-data; boundary=" + seeds.BOUNDARY),)
    json = ((b"content-type", b"application/json"),)
    small = seeds.picture_files()[0]
    headers, binary = seeds.binary_body(*seeds.binary_document())
    good = [
        HttpCase(b"POST", b"/encode", ((b"content-type", small[0].encode()),), small[1]),
        HttpCase(b"POST", b"/score", octets, seeds.images().tobytes()),
        HttpCase(b"POST", b"/reconstruct", form, seeds.form(small, small)),
        HttpCase(b"POST", b"/v2/models/digits/infer", (*octets, *headers), binary),
        HttpCase(b"POST", b"/v2/models/digits/infer", json, orjson.dumps(seeds.infer_document())),
        HttpCase(b"POST", b"/v1/models/digits/labels/stable:predict", json, orjson.dumps(seeds.predict_document())),
        HttpCase(b"POST", b"/encode", json, orjson.dumps(seeds.json_documents()["/encode"])),
    ]
    replies = [await doors.request(case) for case in good]

    assert [200] * len(good) == [reply.status for reply in replies if reply is not None]


@pytest.mark.parametrize("target", TARGETS)
def test_cases_are_repeatable(target: str) -> None:
    """A case depends on target, seed and number alone, and is the same after a file has held it."""
    cases = [make_case(target, SEED, index) for index in range(5)]

    assert cases == [make_case(target, SEED, index) for index in range(5)]
    assert cases == [load_case(dump_case(case)) for case in cases]
    assert cases[0] != TARGETS[target](Random(0))  # noqa: S311 - repeatable damage, no secret
