"""What gRPC callers may try: messages too large, no messages, too many calls, tensors that promise too much."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import grpc
from google.protobuf.message import Message
from support.attacks.base import IMAGE, Attack, Send, Target, tell_call, wait_until
from support.refusals import file_of

from service.wire import codec_pb2 as pb
from service.wire import inference_pb2 as oip
from service.wire import tensorflow_serving as tfs

_SCORE = "/digitcodec.v1.Codec/Score"
_INFER = "/inference.GRPCInferenceService/ModelInfer"
_STREAM = "/digitcodec.v1.Codec/ReconstructStream"
_REFUSED = "`INVALID_ARGUMENT` `malformed_request`"
_TOO_LARGE = "`INVALID_ARGUMENT` `too_large`"


def call(
    path: str,
    message: Message | bytes,
    *,
    keyed: bool = True,
    metadata: Mapping[str, str] = MappingProxyType({}),
    compression: grpc.Compression = grpc.Compression.NoCompression,
) -> Send:
    """A unary call with this message, or with bytes that are none."""
    data = message if isinstance(message, bytes) else message.SerializeToString()

    async def send(target: Target) -> str:
        given = {**(target.find_headers() if keyed else {}), **metadata}
        async with target.channel() as channel:
            method: Any = channel.unary_unary(path)
            return await tell_call(method(data, metadata=tuple(given.items()), compression=compression))

    return send


SCORE_ONE = call(_SCORE, pb.ScoreRequest(images=pb.Images(packed=IMAGE)))
"""A good call."""


def _build_predict(*shape: int, **fields: Any) -> Any:
    request = tfs.PredictRequest()
    request.model_spec.name = "digits"
    request.model_spec.signature_name = "reconstruct"
    tensor = tfs.TensorProto(dtype=4, **fields)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    request.inputs["images"].CopyFrom(tensor)
    return request


def _build_infer(*shape: int, raw: bytes) -> oip.ModelInferRequest:
    tensor = oip.ModelInferRequest.InferInputTensor(name="images", datatype="UINT8", shape=shape)
    return oip.ModelInferRequest(model_name="digits-encode", inputs=[tensor], raw_input_contents=[raw])


async def _open_too_many(target: Target) -> str:
    """Streams that say nothing are calls under way too."""
    metadata = tuple(target.find_headers().items())
    streams: list[Any] = []
    answers: list[str] = []

    async def is_refused() -> bool:
        # One more each time: while a good call is under way, it may have the last place.
        streams.append(channel.stream_stream(_STREAM)(metadata=metadata))
        return await is_full()

    async def is_full() -> bool:
        answers.append(await SCORE_ONE(target))
        return answers[-1] != "`OK`"

    async def is_free() -> bool:
        return not await is_full()

    async with target.channel() as channel:
        await wait_until(is_refused)
        refusal = answers[-1]
        for stream in streams:
            stream.cancel()
    await wait_until(is_free)
    return refusal


_BOMB = pb.ScoreRequest(images=pb.Images(files=pb.EncodedFiles(files=[file_of((20_000, 20_000), mode="1")])))

ATTACKS = (
    Attack("gRPC: message too large", "`RESOURCE_EXHAUSTED`", call(_SCORE, bytes(2**17))),
    Attack(
        "gRPC: compressed bomb", "`RESOURCE_EXHAUSTED`", call(_SCORE, bytes(2**24), compression=grpc.Compression.Gzip)
    ),
    Attack("gRPC: metadata too large", "`RESOURCE_EXHAUSTED`", call(_SCORE, b"", metadata={"x-long": "x" * 100_000})),
    Attack("gRPC: bytes that are no message", _REFUSED, call(_SCORE, b"\xff" * 100)),
    Attack("gRPC: unknown method", "`UNIMPLEMENTED`", call("/digitcodec.v1.Codec/Train", b"")),
    Attack(
        "gRPC: too many rows",
        _TOO_LARGE,
        call(_SCORE, pb.ScoreRequest(images=pb.Images(packed=IMAGE * 65))),
    ),
    Attack("gRPC: pixel bomb", _TOO_LARGE, call(_SCORE, _BOMB)),
    Attack("gRPC: too many calls", "`RESOURCE_EXHAUSTED` `overloaded`", _open_too_many),
    Attack(
        "gRPC: codes that promise more than they hold",
        "`INVALID_ARGUMENT` `invalid_code`",
        call("/digitcodec.v1.Codec/Decode", pb.DecodeRequest(codes=pb.Codes(packed=bytes(8), code_dim=2**31 - 1))),
    ),
    Attack("TensorFlow Serving: tensor of 2^60 elements", _TOO_LARGE, call(tfs.PREDICT.path, _build_predict(2**60))),
    Attack(
        "TensorFlow Serving: one value for 2^60 images",
        _TOO_LARGE,
        call(tfs.PREDICT.path, _build_predict(2**60, 28, 28, int_val=[0])),
    ),
    Attack(
        "Open Inference Protocol: shape that overflows",
        _REFUSED,
        call(_INFER, _build_infer(2**62, 2**62, 4, raw=IMAGE)),
    ),
)
