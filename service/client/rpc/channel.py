"""How the service is called over gRPC: options and credentials of a channel, and the methods on it."""

from pathlib import Path
from typing import Any

import grpc

from service.client.address import Address, Trust
from service.client.conversation import Send
from service.client.errors import ClientError
from service.client.rpc.failures import read_failure
from service.client.rpc.requests import build_message
from service.wire import codec_pb2_grpc, inference_pb2_grpc

OPTIONS: list[tuple[str, Any]] = [
    # Answers are as large as what was asked for; 4,096 pictures with their scores come near gRPC's 4 MiB.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # The conversation decides on other tries, in one way for both protocols.
    ("grpc.enable_retries", 0),
    # A service that comes back is found within a second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class Methods:
    """The methods of a channel, sync or async, by operation."""

    def __init__(self, channel: Any, key: str | None) -> None:
        codec = codec_pb2_grpc.CodecStub(channel)
        inference = inference_pb2_grpc.GRPCInferenceServiceStub(channel)
        self._key = () if key is None else (("x-api-key", key),)
        self._stream = codec.ReconstructStream
        self._by_operation: dict[str, Any] = {
            "encode": codec.Encode,
            "decode": codec.Decode,
            "reconstruct": codec.Reconstruct,
            "score": codec.Score,
            "models": inference.RepositoryIndex,
            "ready": inference.ServerReady,
        }

    def begin(self, send: Send) -> Any:
        """Make the call: its answer, or what is awaited for it."""
        method = self._by_operation[send.ask.operation]
        metadata = self._build_metadata(send.request_id)
        return method(build_message(send.ask), timeout=send.timeout_s, metadata=metadata)

    def begin_stream(self, requests: Any, request_id: str) -> Any:
        """Open a stream with these requests: the call. It has no deadline of its own, for its requests have."""
        return self._stream(requests, metadata=self._build_metadata(request_id))

    def _build_metadata(self, request_id: str) -> tuple[tuple[str, str], ...]:
        return (("x-request-id", request_id), *self._key)


def load_credentials(address: Address, trust: Trust) -> grpc.ChannelCredentials | None:
    """What TLS needs; None without it."""
    if not address.is_secure:
        return None
    certificate, key = trust.cert or (None, None)
    return grpc.ssl_channel_credentials(_read(trust.ca), private_key=_read(key), certificate_chain=_read(certificate))


def _read(path: str | Path | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()


def explain(error: Any, request_id: str) -> ClientError:
    """The client's error for a call that failed."""
    return read_failure(error.code(), error.details() or "", error.trailing_metadata() or (), request_id)
