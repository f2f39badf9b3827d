"""A client for every door of a running service, all with the same three calls: for parity tests and measurements.

What they say stands in `bench.words`; here are the connections that carry it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import grpc
import httpx
from numpy.typing import NDArray

from bench.running import RunningService
from bench.words import grpc as ours
from bench.words import http, inference, serving
from bench.words.ask import Arrays, HttpRequest, Reply, Request, RpcRequest, StreamRequest
from bench.words.form import Form
from service.domain import Codes, Floats, Images

_TIMEOUT_S = 60.0
# Messages of 4,096 images are 3 MiB and more; gRPC's own limit is 4.
_CHANNEL_OPTIONS = [("grpc.max_receive_message_length", 2**26), ("grpc.max_send_message_length", 2**26)]


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """What `reconstruct` answers through any door.

    Attributes:
        pictures: uint8 (n, 28, 28).
        errors: float32 (n,).
        anomaly_scores: float32 (n,).
    """

    pictures: Images
    errors: Floats
    anomaly_scores: Floats


class DoorClient(Protocol):
    """One door of a running service."""

    def encode(self, images: Images) -> Codes:
        """Codes of images."""

    def decode(self, codes: Codes) -> Images:
        """Images of codes."""

    def reconstruct(self, images: Images) -> Reconstruction:
        """Cleaned pictures, errors and scores of images."""


class _Connections:
    """Sends requests of ready bytes, one after the other."""

    def __init__(self, client: httpx.Client, channel: grpc.Channel) -> None:
        self._client = client
        self._open_unary: Any = cache(channel.unary_unary)
        self._open_stream: Any = cache(channel.stream_stream)

    def send(self, request: Request) -> Reply:
        """Send one request and wait for the answer.

        Raises:
            httpx.HTTPError, grpc.RpcError: If there is none, or it is a refusal.
        """
        match request:
            case HttpRequest():
                return self._post(request)
            case RpcRequest():
                return Reply("OK", self._open_unary(request.path)(request.message, timeout=_TIMEOUT_S))
            case StreamRequest():
                call = self._open_stream(request.path)(iter(request.messages), timeout=_TIMEOUT_S)
                return Reply("OK", parts=tuple(call))

    def _post(self, request: HttpRequest) -> Reply:
        answer = self._client.post(request.path, content=request.body, headers=request.headers).raise_for_status()
        head = b"\r\n".join(name + b": " + value for name, value in answer.headers.raw)
        return Reply(str(answer.status_code), answer.content, head)


class _Door:
    """One door, in the forms that it is spoken to."""

    def __init__(self, connections: _Connections, forms: Mapping[str, Form]) -> None:
        """Prepare to ask.

        Args:
            connections: What carries the requests.
            forms: By signature; where `score` is among them, it completes what `reconstruct` says.
        """
        self._connections = connections
        self._forms = forms

    def encode(self, images: Images) -> Codes:
        return self._run("encode", images)["codes"]

    def decode(self, codes: Codes) -> Images:
        return self._run("decode", codes)["images"]

    def reconstruct(self, images: Images) -> Reconstruction:
        outputs = self._run("reconstruct", images)
        if "score" in self._forms:
            outputs = {**outputs, **self._run("score", images)}
        return Reconstruction(outputs["reconstructions"], outputs["errors"], outputs["anomaly_scores"])

    def _run(self, signature: str, rows: NDArray[Any]) -> Arrays:
        form = self._forms[signature]
        return form.read(signature, self._connections.send(form.write(signature, rows))).outputs


def _use_always(form: Form) -> Mapping[str, Form]:
    return dict.fromkeys(("encode", "decode", "reconstruct"), form)


_DOORS: Mapping[str, Mapping[str, Form]] = {
    # The head of an answer in npy has no room for the verdicts of many rows.
    "HTTP": {"encode": http.OCTETS, "decode": http.NPY, "reconstruct": http.OCTETS_FOR_NPY, "score": http.OCTETS},
    "gRPC unary": _use_always(ours.PACKED),
    "gRPC stream": {**_use_always(ours.PACKED), "reconstruct": ours.STREAM},
    "OIP REST, JSON": _use_always(inference.JSON),
    "OIP REST, binary": _use_always(inference.BINARY),
    "OIP gRPC": _use_always(inference.RPC),
    "TF Serving REST, rows": _use_always(serving.ROWS),
    "TF Serving REST, columns": _use_always(serving.COLUMNS),
    "TF Serving gRPC": _use_always(serving.RPC),
}


@contextmanager
def open_doors(service: RunningService) -> Iterator[dict[str, DoorClient]]:
    """A client of every door of a gateway, by name."""
    with (
        httpx.Client(base_url=service.url, timeout=_TIMEOUT_S) as client,
        grpc.insecure_channel(service.grpc, options=_CHANNEL_OPTIONS) as channel,
    ):
        connections = _Connections(client, channel)
        yield {name: _Door(connections, forms) for name, forms in _DOORS.items()}
