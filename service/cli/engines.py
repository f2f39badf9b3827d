"""What answers: a running service, or the model in this process; one version answers all rows of a command."""

from argparse import Namespace
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

import numpy as np

from service.cli.addresses import find_url, open_client, told_failures
from service.client import Client
from service.client.answers import Codes as CodesAnswer
from service.client.answers import Model, Pictures, Scores
from service.domain import IMAGE_SIDE, Codes, Images, Rows

Operation = Literal["encode", "decode", "reconstruct", "score"]

Answer = CodesAnswer | Pictures | Scores
"""What answers rows; `Reconstructions` are `Scores` too."""

_IN_FLIGHT = 4


class Engine(Protocol):
    """Answers rows.

    Attributes:
        model: The version that answers all of them.
    """

    model: Model

    def ask(self, operation: Operation, batches: Iterable[Rows], threshold: float) -> Iterator[Answer]:
        """Answers to all rows in order, though not batch by batch: images uint8 (n, 28, 28) or codes float32 (n, d).

        Raises:
            CliError: If the service or the model fails.
        """


@contextmanager
def open_engine(options: Namespace) -> Iterator[Engine]:
    """What the flags ask for, until the block ends.

    Raises:
        CliError: If there is no such service, model or version.
    """
    url = find_url(options)
    if url is None:
        from service.cli.embedded import EmbeddedEngine

        with EmbeddedEngine.open(options) as engine:
            yield engine
        return
    with open_client(options, url) as client:
        yield ServedEngine(client, url, options)


class ServedEngine:
    """A running service; implements `Engine`."""

    def __init__(self, client: Client, url: str, options: Namespace) -> None:
        """Ask it which version that is: a newer one may appear meanwhile.

        Raises:
            CliError: If it does not answer.
        """
        self._client, self._url, self._batch_rows = client, url, options.batch_rows
        blank = np.zeros((1, IMAGE_SIDE, IMAGE_SIDE), np.uint8)
        with told_failures(url):
            self.model = client.encode(blank, version=options.version, label=options.label).model

    def ask(self, operation: Operation, batches: Iterable[Rows], threshold: float) -> Iterator[Answer]:
        """See `Engine.ask`."""
        with told_failures(self._url):
            if operation == "decode":
                yield from self._decode(batches)
            else:
                yield from self._ask_many(operation, batches, threshold)

    def _decode(self, batches: Iterable[Codes]) -> Iterator[Answer]:
        return (self._client.decode(batch, version=self.model.version) for batch in batches)

    def _ask_many(
        self, operation: Operation, batches: Iterable[Images], threshold: float
    ) -> Generator[Answer, None, None]:
        version, batch_rows = self.model.version, self._batch_rows
        if operation == "encode":
            yield from self._client.encode_many(batches, version=version, batch_rows=batch_rows, in_flight=_IN_FLIGHT)
            return
        ask = self._client.score_many if operation == "score" else self._client.reconstruct_many
        yield from ask(batches, threshold, version=version, batch_rows=batch_rows, in_flight=_IN_FLIGHT)
