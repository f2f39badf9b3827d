"""The kinds of backends, and what each needs to know."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from service.settings.group import MAX_C_INT, Group


class EmbeddedBackendSettings(Group):
    """TensorFlow in the gateway's own process: one machine needs nothing else."""

    kind: Literal["embedded"] = Field("embedded", description="TensorFlow in this process.")
    intra_op_threads: int = Field(
        1,
        ge=1,
        description="Threads inside one operation. 1 is fastest for a small model: requests run side by side instead.",
    )


class TFServingBackendSettings(Group):
    """TensorFlow Serving, or anything that speaks its gRPC API, over the network."""

    kind: Literal["tfserving"] = Field("tfserving", description="TensorFlow Serving over gRPC.")
    target: str = Field(
        "dns:///127.0.0.1:8500",
        min_length=1,
        description="gRPC target: dns:///host:port (every address that the name resolves to takes its turn), "
        "or unix:/path for a server on the same machine.",
    )
    max_message_bytes: int = Field(
        64 * 2**20, gt=0, le=MAX_C_INT, description="Largest message that is taken from the server."
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
