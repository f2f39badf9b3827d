"""What every group of settings is."""

from pydantic import BaseModel, ConfigDict

# gRPC keeps its numbers in C ints.
MAX_C_INT = 2**31 - 1


class Group(BaseModel):
    """Frozen, and closed to names that it does not have."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
