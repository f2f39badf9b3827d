"""Who may ask, and how much."""

from pathlib import Path

from pydantic import Field, model_validator

from service.settings.group import Group


class AccessSettings(Group):
    """Keys and rates of callers. Without a file of keys everybody who reaches the ports may ask."""

    keys_file: Path | None = Field(
        None,
        description="TOML file with a table `[keys.NAME]` for each caller and the SHA-256 of its secrets; "
        "`python -m service key NAME` makes one. It is read again within a second of a change. Every request but the "
        "probes and the pages of documentation then needs a key.",
    )
    open_metrics: bool = Field(
        False,  # noqa: FBT003 - a default
        description="Let /metrics be read without a key, where there are keys.",
    )
    rows_per_s: float | None = Field(
        None,
        gt=0,
        le=1e12,
        description="Rows that one caller may send in the long run: a key's, or without keys an address's. More are "
        "refused until the rate has caught up. A key's table may have `rows_per_s` and `burst_rows` of its own. "
        "None for no limit.",
    )
    burst_rows: float | None = Field(
        None, gt=0, le=1e12, description="Rows that may come at once after a pause. Default: two seconds' worth."
    )

    @model_validator(mode="after")
    def _check_burst(self) -> "AccessSettings":
        if self.burst_rows is not None and self.rows_per_s is None:
            raise ValueError("access.burst_rows is set without DIGITCODEC_ACCESS__ROWS_PER_S: nothing would read it")
        return self
