"""Every setting of the gateway: its name, unit, bounds, default and how to choose it."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, PositiveInt, Tag, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

PREFIX = "DIGITCODEC_"
_DELIMITER = "__"
# The only setting that has names of its own below it.
_MAP = ["model", "labels"]
# gRPC keeps its numbers in C ints.
_MAX_C_INT = 2**31 - 1
# The longest answer about one image: its cleaned picture of 784 bytes, and what frames it.
_ANSWER_BYTES_PER_ROW = 800


class UnreadableSettingError(ValueError):
    """A DIGITCODEC_* variable is set that no setting reads, or that cannot be parsed."""


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class HttpSettings(_Group):
    """Where the HTTP door listens."""

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on. 0.0.0.0 in a container; then put a proxy or a firewall before it.",
    )
    port: int = Field(
        8000,
        ge=0,
        le=65535,
        description="Port to listen on; 0 lets the system choose one, which the log then names.",
    )


class GrpcSettings(_Group):
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
        le=_MAX_C_INT,
        description="Largest message that is taken or sent; 4,096 images of 784 bytes take 3.2 MB. "
        "At least 800 times limits.max_rows.",
    )
    max_concurrent_calls: int = Field(
        4096,
        gt=0,
        le=_MAX_C_INT // 2,
        description="Most calls under way, streams included, health checks not; "
        "more are refused with RESOURCE_EXHAUSTED.",
    )
    stream_rows: int = Field(
        512,
        gt=0,
        description="Rows that a stream may have in work ahead of its answers; beyond that it is held back.",
    )
    packed_tensors: bool = Field(
        False,  # noqa: FBT003 - a default
        description="Answer TensorFlow Serving's clients with tensor_content: smaller and faster, as its flag "
        "--enable_serialization_as_tensor_content. Off as there: some clients read only the typed fields.",
    )


class ModelServerSettings(_Group):
    """`python -m service model-server`: TensorFlow Serving's API alone, over the embedded backend."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8500, ge=0, le=65535, description="gRPC port; 0 lets the system choose one.")
    rest_port: int = Field(8501, ge=0, le=65535, description="REST port; 0 lets the system choose one.")
    socket: Path | None = Field(
        None,
        description="Unix socket to answer gRPC on as well: quicker than a port for a gateway on the same machine.",
    )


class LimitSettings(_Group):
    """What one request may ask for."""

    max_body_bytes: int = Field(
        32 * 2**20,
        gt=0,
        description="Largest request body. The default holds 4,096 images as float64 npy or as JSON lists of integers.",
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
        "as load balancers take to notice. A second signal cuts it short.",
    )
    shutdown_grace_s: float = Field(20.0, ge=0, description="Time that running requests have to finish after that.")


class BatchingSettings(_Group):
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
        "At least batching.max_batch_rows.",
    )


class BulkSettings(_Group):
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


class EmbeddedBackendSettings(_Group):
    """TensorFlow in the gateway's own process: one machine needs nothing else."""

    kind: Literal["embedded"] = Field("embedded", description="TensorFlow in this process.")
    intra_op_threads: int = Field(
        1,
        ge=1,
        description="Threads inside one operation. 1 is fastest for a small model: requests run side by side instead.",
    )


class TFServingBackendSettings(_Group):
    """TensorFlow Serving, or anything that speaks its gRPC API, over the network."""

    kind: Literal["tfserving"] = Field("tfserving", description="TensorFlow Serving over gRPC.")
    target: str = Field(
        "dns:///127.0.0.1:8500",
        min_length=1,
        description="gRPC target: dns:///host:port (every address that the name resolves to takes its turn), "
        "or unix:/path for a server on the same machine.",
    )
    max_message_bytes: int = Field(
        64 * 2**20, gt=0, le=_MAX_C_INT, description="Largest message that is taken from the server."
    )
    poll_timeout_s: float = Field(
        1.0, gt=0, description="Time that the server has to tell how its model is, before it counts as away."
    )
    max_attempts: int = Field(
        3,
        ge=1,
        le=5,
        description="How often a call is tried while the server is away. When most fail, a retry budget ends it.",
    )
    keepalive_s: float = Field(
        20.0,
        ge=5,
        le=86_400,
        description="Seconds between two pings on a connection; a server that answers none is given up.",
    )
    tls: bool = Field(False, description="Speak TLS.")  # noqa: FBT003 - a default
    ca_file: Path | None = Field(
        None, description="PEM file with the authorities to trust; the system's own without it. Needs tls."
    )
    cert_file: Path | None = Field(
        None, description="PEM file with our certificate chain, for a server that asks for one (mTLS). Needs key_file."
    )
    key_file: Path | None = Field(None, description="PEM file with the key of cert_file.")
    server_name: str | None = Field(
        None, description="Name that the server's certificate must have, where it is not the target's."
    )

    @field_validator("target")
    @classmethod
    def _check_target(cls, target: str) -> str:
        if target.startswith(("http://", "https://")):
            raise ValueError("is a URL, expected a gRPC target: dns:///host:port or unix:/path")
        if not target.startswith("unix:") and not target.rpartition(":")[2].isdecimal():
            raise ValueError("has no port, expected dns:///host:port or unix:/path; TensorFlow Serving's is 8500")
        return target

    @model_validator(mode="after")
    def _check_tls(self) -> "TFServingBackendSettings":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("DIGITCODEC_BACKEND__CERT_FILE and __KEY_FILE go together, only one of them is set")
        if not self.tls and any((self.ca_file, self.cert_file, self.server_name)):
            raise ValueError(
                "DIGITCODEC_BACKEND__CA_FILE, __CERT_FILE and __SERVER_NAME need DIGITCODEC_BACKEND__TLS=true"
            )
        return self


def _find_kind(backend: Any) -> Any:
    """The embedded one unless another is named."""
    return backend.get("kind", "embedded") if isinstance(backend, dict) else getattr(backend, "kind", None)


BackendSettings = Annotated[
    Annotated[EmbeddedBackendSettings, Tag("embedded")] | Annotated[TFServingBackendSettings, Tag("tfserving")],
    Discriminator(_find_kind),
]


class ModelSettings(_Group):
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


class ObservabilitySettings(_Group):
    """What the service tells about itself."""

    log_format: Literal["console", "json"] = Field(
        "console", description="One line a request: for eyes, or for a log collector."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severity that is written. At warning, answered requests leave no line."
    )

    @field_validator("log_format", "log_level", mode="before")
    @classmethod
    def _lower(cls, word: Any) -> Any:
        return word.lower() if isinstance(word, str) else word


class Settings(BaseSettings):
    """The one root: read once at start, frozen, handed out by group."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter=_DELIMITER, frozen=True, extra="forbid")

    http: HttpSettings = HttpSettings()
    grpc: GrpcSettings = GrpcSettings()
    limits: LimitSettings = LimitSettings()
    batching: BatchingSettings = BatchingSettings()
    bulk: BulkSettings = BulkSettings()
    backend: BackendSettings = EmbeddedBackendSettings()
    model: ModelSettings = ModelSettings()
    model_server: ModelServerSettings = ModelServerSettings()
    observability: ObservabilitySettings = ObservabilitySettings()

    @model_validator(mode="after")
    def _check_largest_answer(self) -> "Settings":
        needed, limit = self.limits.max_rows * _ANSWER_BYTES_PER_ROW, self.grpc.max_message_bytes
        if needed > limit:
            raise ValueError(
                f"limits.max_rows is {self.limits.max_rows}, whose gRPC answer takes {needed} bytes, more than "
                f"grpc.max_message_bytes {limit}: lower DIGITCODEC_LIMITS__MAX_ROWS or raise "
                "DIGITCODEC_GRPC__MAX_MESSAGE_BYTES"
            )
        return self

    @model_validator(mode="after")
    def _check_queues(self) -> "Settings":
        if self.bulk.max_queue_rows < self.limits.max_rows:
            raise ValueError(
                f"bulk.max_queue_rows is {self.bulk.max_queue_rows}, less than limits.max_rows {self.limits.max_rows}: "
                "the largest request could never be admitted; raise DIGITCODEC_BULK__MAX_QUEUE_ROWS too"
            )
        if self.batching.max_queue_rows < self.batching.max_batch_rows:
            raise ValueError(
                f"batching.max_queue_rows is {self.batching.max_queue_rows}, less than batching.max_batch_rows "
                f"{self.batching.max_batch_rows}: the largest request of this lane could never be "
                "admitted; raise DIGITCODEC_BATCHING__MAX_QUEUE_ROWS too"
            )
        if self.limits.default_timeout_s > self.limits.max_timeout_s:
            raise ValueError(
                f"limits.default_timeout_s is {self.limits.default_timeout_s:g}, more than limits.max_timeout_s "
                f"{self.limits.max_timeout_s:g}, to which every timeout is cut"
            )
        return self


def load_settings() -> Settings:
    """Read the settings from the environment, once.

    Raises:
        UnreadableSettingError: If a DIGITCODEC_* variable names no group, or something below a setting: the library
            would ignore it.
        pydantic.ValidationError: If a value is out of bounds or a name inside a group is unknown.
    """
    for name in os.environ:
        if name.startswith(PREFIX):
            _check_name(name)
    try:
        return Settings()
    except SettingsError as error:  # the library names the group at most
        raise UnreadableSettingError(
            f"{error}; a map is written as JSON: {PREFIX}MODEL__LABELS='{{\"stable\": 1}}'"
        ) from error


def _check_name(variable: str) -> None:
    steps = variable.removeprefix(PREFIX).lower().split(_DELIMITER)
    groups = sorted(Settings.model_fields)
    if steps[0] not in groups:
        raise UnreadableSettingError(
            f"{variable} is no setting: after {PREFIX} comes one of {', '.join(groups).upper()}"
        )
    if steps[2:] and steps[:2] != _MAP:
        setting = PREFIX + _DELIMITER.join(steps[:2]).upper()
        raise UnreadableSettingError(f"{variable} is no setting: nothing comes below {setting}")
