"""What the doors need to speak TLS."""

from pathlib import Path

from pydantic import Field, model_validator

from service.settings.group import Group


class TlsSettings(Group):
    """TLS 1.2 and 1.3 on the HTTP and the gRPC port alike; off unless there is a certificate.

    New files are taken for new connections within a second or so, without a restart; while they cannot be used, the
    former ones stay. A Unix socket of the model server stays without TLS: its file permissions guard it.
    """

    certificate: Path | None = Field(
        None, description="PEM file with the certificate chain of this server, its own first. Needs private_key."
    )
    private_key: Path | None = Field(None, description="PEM file with the key of certificate, not encrypted.")
    client_ca: Path | None = Field(
        None,
        description="PEM file with authorities: clients must then show a certificate of one of them (mTLS), health "
        "checks and scrapers too. Needs certificate.",
    )

    @model_validator(mode="after")
    def _check_files(self) -> "TlsSettings":
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("DIGITCODEC_TLS__CERTIFICATE and __PRIVATE_KEY go together, only one of them is set")
        if self.client_ca is not None and self.certificate is None:
            raise ValueError("DIGITCODEC_TLS__CLIENT_CA needs DIGITCODEC_TLS__CERTIFICATE and __PRIVATE_KEY")
        return self
