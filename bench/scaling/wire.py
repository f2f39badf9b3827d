"""Bytes on the wire for an image, by format."""

from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import numpy as np

from bench.relay import Traffic, counting_relay
from bench.running import RunningService, running_service
from bench.words import grpc as rpc
from bench.words import http
from bench.words.ask import HttpRequest, RpcRequest
from bench.words.form import Form
from service.domain import Images

_FORMATS: dict[str, tuple[Form, int]] = {
    "HTTP, one PNG": (http.PNG, 1),
    "HTTP, one as bytes": (http.OCTETS, 1),
    "HTTP, PNG in JSON, 256": (http.BASE64, 256),
    "HTTP, numbers in JSON, 256": (http.LISTS, 256),
    "HTTP, npy for npy, 256": (http.NPY, 256),
    "HTTP, npy for npy, 4,096": (http.NPY, 4096),
    "gRPC, one as packed bytes": (rpc.PACKED, 1),
    "gRPC, PNG files, 256": (rpc.FILES, 256),
    "gRPC, packed bytes, 256": (rpc.PACKED, 256),
}
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class WireBytes:
    """Bytes for an image of a request to `encode` on a connection that is open, heads included, TCP and IP not.

    Attributes:
        format: How it travels.
        up: To the gateway.
        down: Back.
    """

    format: str
    up: float
    down: float


def count_bytes(digits: Images) -> list[WireBytes]:
    """All formats, with these digits."""
    with running_service() as service:
        return [
            _count(service, name, form, np.resize(digits, (rows, 28, 28))) for name, (form, rows) in _FORMATS.items()
        ]


def _count(service: RunningService, name: str, form: Form, images: Images) -> WireBytes:
    request = form.write("encode", images)
    match request:
        case HttpRequest():
            traffic = _post_twice(service.url.removeprefix("http://"), request)
        case RpcRequest():
            traffic = _call_twice(service.grpc, request)
        case _:
            raise TypeError(f"{name} is a stream. This is a bug")
    return WireBytes(name, traffic.sent / len(images), traffic.received / len(images))


def _post_twice(address: str, request: HttpRequest) -> Traffic:
    """The second time alone counts: the first opens the connection."""
    with counting_relay(address) as (relay, traffic), httpx.Client(timeout=_TIMEOUT_S) as client:
        for _ in range(2):
            traffic.reset()
            url = f"http://{relay}{request.path}"
            client.post(url, content=request.body, headers=request.headers).raise_for_status()
        return traffic


def _call_twice(address: str, request: RpcRequest) -> Traffic:
    with counting_relay(address) as (relay, traffic), grpc.insecure_channel(relay) as channel:
        call: Any = channel.unary_unary(request.path)
        for _ in range(2):
            traffic.reset()
            call(request.message, timeout=_TIMEOUT_S)
        return traffic
