"""What the shelf needs to know of a loaded graph; importing this does not load TensorFlow."""

from typing import Any, Protocol

from service.domain import Rows, Signature


class LoadedGraph(Protocol):
    """A SavedModel that has passed contract one and can answer.

    Attributes:
        code_dim: Width of its codes.
        signatures: Inputs and outputs of each signature.
    """

    code_dim: int
    signatures: dict[str, Any]

    def run(self, signature: Signature, outputs: tuple[str, ...], rows: Rows) -> dict[str, Rows]:
        """Run one batch; may be called from several threads at once."""

    def warm_up(self, batch_sizes: tuple[int, ...]) -> None:
        """Run everything at these sizes, so that no caller is the first."""

    def close(self) -> None:
        """Free it; nothing may run any more."""
