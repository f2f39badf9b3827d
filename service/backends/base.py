"""What every backend promises; the rest of the gateway knows backends only by this."""

from collections.abc import Sequence
from typing import Protocol

from service.domain import Answer, Call, Deadline, Origin, Rows, VersionStatus


class Backend(Protocol):
    """Runs signatures of contract one on whole batches, and knows which versions can answer."""

    async def start(self) -> None:
        """Begin to load and to watch for versions; returns without waiting until one is ready."""

    async def close(self) -> None:
        """Let running batches finish, then free everything; a closed backend runs nothing more."""

    def is_ready(self) -> bool:
        """True while a call without a selector would be answered."""

    def explain(self) -> str:
        """Why `is_ready` is false, in a sentence for operators; empty while it is true."""

    def describe(self) -> list[VersionStatus]:
        """Every version that is or was wanted, newest first, the failed ones too."""

    async def run(self, call: Call, rows: Rows, deadline: Deadline, origins: Sequence[Origin] = ()) -> Answer:
        """Run one batch.

        To cancel it is to say that nobody wants the answer. A backend that can stop the work does so; one that cannot
        lets the cancellation through only once the work is done, so that who counts running calls counts real work.

        Args:
            call: The signature, the outputs wanted and the version.
            rows: uint8 (n, 28, 28), or float32 (n, code_dim) for `decode`; n >= 1.
            deadline: When the last caller in the batch gives up.
            origins: Where the requests in the batch came from.

        Returns:
            The version that answered, and the wanted outputs with n rows each.

        Raises:
            NotFoundError: If there is no such version or label.
            NotReadyError: If the backend cannot answer now, but may soon.
            InvalidCodeError: If the codes are not as wide as the model's.
            BackendError: If the model failed at this batch.
            BackendContractError: If the outputs are not those of contract one.
        """
