"""The groups of settings that every gateway has: names, units, bounds, defaults and how to choose them."""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveInt, field_validator

from service.settings.group import MAX_C_INT, Group
from service.settings.lists import Networks, Origins


class HttpSettings(Group):
    """Where the HTTP door listens."""

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on. 0.0.0.0 in a container, or :: for IPv6 and IPv4; then put a proxy or a "
        "firewall before it.",
    )
    port: int = Field(
        8000,
        ge=0,
        le=65535,
        description="Port to listen on; 0 lets the system choose one, which the log then names.",
    )
    workers: PositiveInt = Field(
        1,
        le=64,
        description="Processes that answer on the gateway's ports; more than one is watched and replaced by one more, "
        "which answers nothing. For a model server elsewhere: about the processors. The embedded backend uses all "
        "processors already and would be loaded by each. Limits, queues and rates hold for each worker; "
        "the model server command has one process always.",
    )
    header_timeout_s: float = Field(
        10.0,
        ge=0.05,
        description="Time for the whole head of a request, from the connect or from its first byte on, and for a TLS "
        "handshake; then 408 and the end of the connection. The body has until the request's deadline.",
    )
    max_header_bytes: int = Field(
        32 * 2**10,
        ge=1024,
        le=2**20,
        description="Largest head of a request, its first line included; a larger one gets 431 before it is all read.",
    )
    max_headers: int = Field(100, gt=0, description="Most header lines of a request; more get 431.")
    write_timeout_s: float = Field(
        30.0,
        ge=0.05,
        description="Time for a caller to take an answer; then the connection is cut, so that callers who do not read "
        "hold no memory. Raise it for large answers on slow lines: 10 MB in 30 s are 2.7 Mbit/s.",
    )
    keep_alive_s: int = Field(
        5,
        gt=0,
        description="Time that an idle connection is kept for the next request. Behind a proxy that reuses "
        "connections, more than the proxy's own idle time (often 60): else a request of it can meet our closing.",
    )
    max_connections: int = Field(
        4096,
        gt=0,
        description="Most connections at the same time, idle ones included; one more gets 503 and Retry-After. Each "
        "takes a file descriptor: the service takes all that the hard limit (ulimit -Hn) allows, and warns at its "
        "start if that is not 1024 more than this.",
    )
    trusted_proxies: Networks = Field(
        (),
        description="Addresses or networks, separated by commas, of proxies whose X-Forwarded-For and "
        "X-Forwarded-Proto are believed. From anybody else these headers mean nothing.",
    )
    cors_origins: Origins = Field(
        (),
        description="Origins, separated by commas, whose pages may call from a browser (CORS): https://lab.example. "
        "`*` lets any page call, harmless only where nothing but keys guards the service. None: no CORS headers.",
    )


class GrpcSettings(Group):
    """The gRPC door: our own contract, the Open Inference Protocol and TensorFlow Serving's API on one port."""

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on. 0.0.0.0 in a container; then put a proxy or a firewall before it.",
    )
    port: int = Field(
        8001,
        ge=0,
        le=65535,
        description="Port to listen on; 0 lets the system choose one, which the log then names.",
    )
    max_message_bytes: int = Field(
        32 * 2**20,
        ge=4096,
        le=MAX_C_INT,
        description="Largest message that is taken or sent; 4,096 images of 784 bytes take 3.2 MB. "
        "At least 800 times limits.max_rows.",
    )
    max_concurrent_calls: int = Field(
        4096,
        gt=0,
        le=MAX_C_INT // 2,
        description="Most calls under way, streams included, health checks not; "
        "more are refused with RESOURCE_EXHAUSTED.",
    )
    stream_rows: int = Field(
        512,
        gt=0,
        description="Rows that a stream may have in work ahead of its answers; beyond that it is held back.",
    )
    stream_idle_s: float = Field(
        300.0,
        gt=0,
        allow_inf_nan=False,
        description="A stream that has nothing in work and brings nothing for so long is ended with DEADLINE_EXCEEDED; "
        "its place is another's.",
    )
    packed_tensors: bool = Field(
        False,  # noqa: FBT003 - a default
        description="Answer TensorFlow Serving's clients with tensor_content: smaller and faster, as its flag "
        "--enable_serialization_as_tensor_content. Off as there: some clients read only the typed fields.",
    )


class ModelServerSettings(Group):
    """`python -m service model-server`: TensorFlow Serving's API alone, over the embedded backend."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8500, ge=0, le=65535, description="gRPC port; 0 lets the system choose one.")
    rest_port: int = Field(8501, ge=0, le=65535, description="REST port; 0 lets the system choose one.")
    socket: Path | None = Field(
        None,
        description="Unix socket to answer gRPC on as well: quicker than a port for a gateway on the same machine.",
    )


class LimitSettings(Group):
    """What one request may ask for."""

    max_body_bytes: int = Field(
        32 * 2**20,
        gt=0,
        description="Largest request body. The default holds 4,096 images as float64 npy or as JSON lists of integers.",
    )
    max_inflight_bytes: int = Field(
        256 * 2**20,
        gt=0,
        description="Most bytes of request bodies and messages held at the same time; more are refused at once. "
        "At least limits.max_body_bytes and grpc.max_message_bytes. One caller may hold 8/9 of what others leave.",
    )
    max_rows: int = Field(
        4096, gt=0, description="Most images or codes in one request. Larger sets go in several requests."
    )
    max_image_pixels: int = Field(
        2**24,
        gt=0,
        description="Most pixels of all image files of a request together, before they are decoded.",
    )
    default_timeout_s: float = Field(10.0, gt=0, description="Time a request has when its caller names none.")
    max_timeout_s: float = Field(
        60.0, gt=0, description="Most time a caller may ask for with X-Request-Timeout; more is cut to this."
    )
    drain_delay_s: float = Field(
        0.0,
        ge=0,
        description="Time after SIGTERM or SIGINT in which readiness says no and requests are still answered: as long "
        "as load balancers take to notice. A second signal ends this time; one after it ends the process at once, "
        "with the requests that still run.",
    )
    shutdown_grace_s: float = Field(20.0, ge=0, description="Time that running requests have to finish after that.")


class BatchingSettings(Group):
    """How requests share backend calls. There is no timer: a batch is whatever waits when the backend is free."""

    max_batch_rows: int = Field(
        64, gt=0, description="Most rows in one backend call. Raise until latency, not throughput, grows."
    )
    max_batches: int | None = Field(
        None,
        gt=0,
        description="Backend calls that run at the same time. Default: 1 for the embedded backend, 4 for TensorFlow "
        "Serving, where a call also waits for the network. More only if processors idle at full load.",
    )
    max_queue_rows: int = Field(
        4096,
        gt=0,
        description="Most rows that wait; more are refused at once. Divided by rows/s, it is the longest wait. "
        "One caller may fill eight ninths of what others leave. At least batching.max_batch_rows.",
    )


class BulkSettings(Group):
    """The same for requests of more rows than batching.max_batch_rows, so that they do not hold up the small ones."""

    max_batch_rows: int = Field(
        512,
        gt=0,
        description="Most rows in one backend call. A larger request is cut, and its answer joined again.",
    )
    max_batches: int = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)),
        gt=0,
        description="Backend calls that run at the same time. Default: the processors it may use.",
    )
    max_queue_rows: int = Field(
        32768, gt=0, description="Most rows that wait; more are refused at once. At least limits.max_rows."
    )


class ModelSettings(Group):
    """Which model is served, and which of its versions."""

    root: Path = Field(
        Path("models"),
        description="Folder that holds <name>/<version>/saved_model.pb; relative to where the service is started.",
    )
    name: str = Field("digits", pattern=r"^[A-Za-z0-9_.-]+$", description="Model name: the folder below root.")
    keep_versions: int = Field(
        1,
        ge=1,
        description="How many of the newest versions stay loaded. 2 keeps the former one within reach of ?version=.",
    )
    labels: dict[str, PositiveInt] = Field(
        default_factory=dict,
        description='Names for versions, as JSON: {"stable": 1, "canary": 2}. A labelled version stays loaded.',
    )
    poll_interval_s: float = Field(1.0, gt=0, description="Seconds between two looks for new versions.")


class ObservabilitySettings(Group):
    """What the service tells about itself."""

    log_format: Literal["console", "json"] = Field(
        "console", description="One line a request: for eyes, or for a log collector."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severity that is written. At warning, answered requests leave no line."
    )
    request_lines_per_s: int = Field(
        100,
        gt=0,
        description="Most log lines a second about requests with the same outcome; the next line of that outcome says "
        "how many were left out. A very large number writes them all.",
    )

    traces: bool = Field(
        False,  # noqa: FBT003 - a default
        description="Send OpenTelemetry traces by OTLP over HTTP; needs the extra `traces`. Where to, how many and "
        "under which name is set by its own OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER and OTEL_SERVICE_NAME.",
    )

    @field_validator("log_format", "log_level", mode="before")
    @classmethod
    def _lower(cls, word: Any) -> Any:
        return word.lower() if isinstance(word, str) else word
