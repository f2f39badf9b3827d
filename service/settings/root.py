"""The root of all settings, and what must hold between its groups."""

from pydantic import model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.settings.access import AccessSettings
from service.settings.backends import BackendSettings, EmbeddedBackendSettings
from service.settings.groups import (
    BatchingSettings,
    BulkSettings,
    GrpcSettings,
    HttpSettings,
    LimitSettings,
    ModelServerSettings,
    ModelSettings,
    ObservabilitySettings,
)
from service.settings.tls import TlsSettings

PREFIX = "DIGITCODEC_"
DELIMITER = "__"

# The longest answer about one image: its cleaned picture of 784 bytes, and what frames it.
_ANSWER_BYTES_PER_ROW = 800


class Settings(BaseSettings):
    """The one root: read once at start, frozen, handed out by group."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter=DELIMITER, frozen=True, extra="forbid")

    http: HttpSettings = HttpSettings()
    grpc: GrpcSettings = GrpcSettings()
    tls: TlsSettings = TlsSettings()
    access: AccessSettings = AccessSettings()
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
    def _check_bulk_queue(self) -> "Settings":
        if self.bulk.max_queue_rows < self.limits.max_rows:
            raise ValueError(
                f"bulk.max_queue_rows is {self.bulk.max_queue_rows}, less than limits.max_rows {self.limits.max_rows}: "
                "the largest request could never be admitted; raise DIGITCODEC_BULK__MAX_QUEUE_ROWS too"
            )
        return self

    @model_validator(mode="after")
    def _check_small_queue(self) -> "Settings":
        if self.batching.max_queue_rows < self.batching.max_batch_rows:
            raise ValueError(
                f"batching.max_queue_rows is {self.batching.max_queue_rows}, less than batching.max_batch_rows "
                f"{self.batching.max_batch_rows}: the largest request of this lane could never be "
                "admitted; raise DIGITCODEC_BATCHING__MAX_QUEUE_ROWS too"
            )
        return self

    @model_validator(mode="after")
    def _check_bytes(self) -> "Settings":
        held = self.limits.max_inflight_bytes
        largest = (
            ("limits.max_body_bytes", self.limits.max_body_bytes, "body"),
            ("grpc.max_message_bytes", self.grpc.max_message_bytes, "message"),
        )
        for name, limit, what in largest:
            if held < limit:
                raise ValueError(
                    f"limits.max_inflight_bytes is {held}, less than {name} {limit}: the largest {what} could never be "
                    "taken; raise DIGITCODEC_LIMITS__MAX_INFLIGHT_BYTES too"
                )
        return self

    @model_validator(mode="after")
    def _check_timeouts(self) -> "Settings":
        if self.limits.default_timeout_s > self.limits.max_timeout_s:
            raise ValueError(
                f"limits.default_timeout_s is {self.limits.default_timeout_s:g}, more than limits.max_timeout_s "
                f"{self.limits.max_timeout_s:g}, to which every timeout is cut"
            )
        return self
