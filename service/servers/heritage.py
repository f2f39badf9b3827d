"""What a worker process gets from the first process of its service, on its command line."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Heritage:
    """What the settings do not say.

    Attributes:
        number: Place among the workers, from 1.
        listener: Descriptor of the HTTP socket that all workers share.
        lifeline: Descriptor of its end of the line to the first process.
        grpc_port: Port that is reserved for all workers.
        metrics: Folder of the metrics that all workers share.
        is_first: No worker has been ready yet.
        is_replacement: Another worker had this place before.
    """

    number: int
    listener: int
    lifeline: int
    grpc_port: int
    metrics: str
    is_first: bool
    is_replacement: bool

    def to_argument(self) -> str:
        """As one word of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_argument(cls, word: str) -> "Heritage":
        """What `to_argument` wrote."""
        return cls(**json.loads(word))
