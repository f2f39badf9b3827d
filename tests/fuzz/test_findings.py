"""What fuzzing found once, and must not find again."""

import asyncio

import httpx
import pytest
from support.fuzz_doors import FuzzDoors, open_fuzz_doors
from support.http_door import build_context, open_client

from bench.fuzz.cases import RpcCase
from bench.fuzz.raw_targets import build_http2_call
from service.doors import build_gateway_app
from service.wire import tensorflow_serving as serving
from service.wire.tensors import MalformedTensorError, parse_tensor

_LIVE = "/inference.GRPCInferenceService/ServerLive"


async def _send(address: str, data: bytes) -> bytes:
    """The first words of the server to these bytes."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(data)
    try:
        async with asyncio.timeout(5):
            return await reader.read(1000)
    finally:
        writer.close()


async def _is_alive(doors: FuzzDoors) -> bool:
    return "OK" == (await doors.call(RpcCase(_LIVE, (b"",)))).code


@pytest.mark.parametrize("path", [b"/a/\xff", b"\xfe\xff", _LIVE.encode() + b"\x80"])
async def test_method_that_is_no_text_leaves_the_grpc_server_alive(path: bytes) -> None:
    """At a path that is not UTF-8, grpcio 1.84 and 1.85 end the whole server, while the process lives on."""
    async with open_fuzz_doors() as doors:
        assert b"" != await _send(doors.address, build_http2_call(path, b""))
        assert await _is_alive(doors)


async def test_metadata_that_is_no_text_leaves_the_grpc_server_alive() -> None:
    """The same of a request id."""
    async with open_fuzz_doors() as doors:
        await _send(doors.address, build_http2_call(_LIVE.encode(), b"", (b"x-request-id", b"\xff\xfe")))
        assert await _is_alive(doors)


@pytest.mark.parametrize("dtype", [14, 19])
@pytest.mark.parametrize("bits", [-1, 2**16, 2**31 - 1])
def test_half_of_more_than_16_bits_is_malformed(dtype: int, bits: int) -> None:
    """The bits of a float16 or bfloat16 come as 32-bit integers; NumPy's OverflowError left the parser."""
    tensor = serving.TensorProto(dtype=dtype, half_val=[bits])
    tensor.tensor_shape.dim.add(size=1)

    with pytest.raises(MalformedTensorError, match="out of the range"):
        parse_tensor(tensor)


async def test_repository_index_is_documented_as_it_is() -> None:
    """It answers a list, and its body may be left out."""
    async with open_client(build_gateway_app(build_context())) as client:
        document = (await client.get("/openapi.json")).json()["paths"]["/v2/repository/index"]["post"]
        answer: httpx.Response = await client.post("/v2/repository/index")

    assert isinstance(answer.json(), list)
    assert "array" == document["responses"]["200"]["content"]["application/json"]["schema"]["type"]
    assert not document["requestBody"]["required"]
