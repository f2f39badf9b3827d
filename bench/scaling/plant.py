"""What a simulation is of: what stands there, and how it forms batches."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """How a lane forms batches.

    Attributes:
        max_rows: Most requests in one call of the model.
        linger_s: How long the first one waits for others while the model is free; in our service not at all.
        max_batches: Calls of the model under way.
    """

    max_rows: int = 64
    linger_s: float = 0.0
    max_batches: int = 1


@dataclass(frozen=True, slots=True)
class Plant:
    """What stands there.

    Attributes:
        gateways: Processes that take requests in turn.
        servers: Model servers that all gateways call in turn; 0: each gateway has the model inside.
        call_s: What a call of a model server takes beside the model.
        thin_factor: Work of a gateway's loop before a model server, as a multiple of that with the model inside.
    """

    gateways: int = 1
    servers: int = 0
    call_s: float = 0.0
    thin_factor: float = 1.0
