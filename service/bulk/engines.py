"""What runs the model on the images of a shard: TensorFlow in the worker, or a running service."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Protocol

import numpy as np

from service.backends import contract
from service.bulk.errors import JobFailedError
from service.bulk.job import Operation
from service.bulk.models import Model, Server, check_version, write_model
from service.client import ClientError
from service.domain import IMAGE_SIDE, Answer, Call, Images, Rows

Outputs = dict[str, Rows]
"""Arrays by the names of contract one, a row for each image."""

# Pictures come along even where only scores are wanted: the summary shows the strangest of them.
CALLS = MappingProxyType[Operation, Call](
    {
        "all": Call("reconstruct", contract.RECONSTRUCT_AND_ENCODE),
        "encode": Call("encode", contract.ENCODE),
        "score": Call("reconstruct", contract.RECONSTRUCT),
    }
)


class Engine(Protocol):
    """Runs one operation of one version.

    Attributes:
        code_dim: Width of its codes.
    """

    code_dim: int

    def run(self, images: Images) -> Outputs:
        """The results of images, uint8 (n, 28, 28), n >= 0.

        Raises:
            JobFailedError: If the model or the service fails.
        """


def open_engine(model: Model, operation: Operation, batch_rows: int) -> Engine:
    """Whatever runs this model."""
    if model.server is not None:
        return ServedEngine(model.server, model.version, operation, batch_rows)
    return EmbeddedEngine(model, operation, batch_rows)


class EmbeddedEngine:
    """TensorFlow in this process: what the gateway's embedded backend loads and checks, without its queue."""

    def __init__(self, model: Model, operation: Operation, batch_rows: int) -> None:
        """Load the version and run it once.

        Raises:
            JobFailedError: If it cannot be loaded.
        """
        from service.backends.embedded.disk import UnusableModelError
        from service.backends.embedded.graph import load_warm_graph

        self._call, self._batch_rows = CALLS[operation], batch_rows
        with TemporaryDirectory(prefix="digitcodec-") as folder:
            try:
                self._graph = load_warm_graph(write_model(model, Path(folder)), 1, (batch_rows,))
            except UnusableModelError as error:
                raise JobFailedError(f"version {model.version} of {model.name} {error}") from error
        self.code_dim = self._graph.code_dim
        self._version = model.version

    def run(self, images: Images) -> Outputs:
        """See `Engine.run`."""
        from service.errors import BackendError

        try:
            return _join([self._run(batch) for batch in _cut(images, self._batch_rows)], self._call, self.code_dim)
        except BackendError as error:
            raise JobFailedError(str(error)) from error

    def _run(self, batch: Images) -> Outputs:
        outputs = self._graph.run(self._call.signature, self._call.outputs, batch)
        contract.check_answer(self._call, len(batch), Answer(self._version, outputs))
        return outputs


class ServedEngine:
    """A running service, asked for many images at a time; it is given time while it is busy."""

    def __init__(self, server: Server, version: int, operation: Operation, batch_rows: int) -> None:
        """Ask it for one code, to see how wide they are.

        Raises:
            JobFailedError: If it does not answer.
        """
        self._client = server.connect()
        self._version, self._operation, self._batch_rows = version, operation, batch_rows
        blank = np.zeros((1, IMAGE_SIDE, IMAGE_SIDE), np.uint8)
        self.code_dim = self._ask_for_codes(blank)["codes"].shape[1]

    def run(self, images: Images) -> Outputs:
        """See `Engine.run`."""
        batches = [self._run(batch) for batch in _cut(images, self._batch_rows)]
        return _join(batches, CALLS[self._operation], self.code_dim)

    def _run(self, batch: Images) -> Outputs:
        outputs: Outputs = {}
        if self._operation != "score":
            outputs |= self._ask_for_codes(batch)
        if self._operation != "encode":
            outputs |= self._ask_for_pictures(batch)
        return outputs

    def _ask_for_codes(self, batch: Images) -> Outputs:
        try:
            answer = self._client.encode(batch, version=self._version)
        except ClientError as error:
            raise JobFailedError(f"the service failed: {error}") from error
        check_version(self._version, answer.model.version)
        return {"codes": answer.codes}

    def _ask_for_pictures(self, batch: Images) -> Outputs:
        try:
            answer = self._client.reconstruct(batch, version=self._version)
        except ClientError as error:
            raise JobFailedError(f"the service failed: {error}") from error
        check_version(self._version, answer.model.version)
        return {
            "reconstructions": answer.reconstructions,
            "errors": answer.errors,
            "anomaly_scores": answer.anomaly_scores,
        }


def _cut(images: Images, rows: int) -> Iterator[Images]:
    for start in range(0, len(images), rows):
        yield images[start : start + rows]


def _join(batches: list[Outputs], call: Call, code_dim: int) -> Outputs:
    if batches:
        return {name: np.concatenate([batch[name] for batch in batches]) for name in call.outputs}
    shapes = {"codes": (0, code_dim), "reconstructions": (0, IMAGE_SIDE, IMAGE_SIDE)}
    return {
        name: np.empty(shapes.get(name, (0,)), np.uint8 if name == "reconstructions" else np.float32)
        for name in call.outputs
    }
