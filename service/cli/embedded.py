"""The model in this process: what the gateway's embedded backend loads and checks, without its queue."""

from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from service.backends import contract
from service.backends.embedded.disk import UnusableModelError
from service.backends.embedded.quiet import held_back_stderr
from service.bulk import models
from service.bulk.errors import BulkError
from service.cli.engines import Answer, Operation
from service.cli.errors import CliError, UsageError
from service.cli.settings import find_model, read_settings
from service.client.answers import Codes, Model, Pictures, Reconstructions, Scores
from service.domain import Answer as Outcome
from service.domain import Call, Rows, find_anomalies
from service.errors import BackendError

if TYPE_CHECKING:
    from service.backends.embedded.graph import Graph

_THREADS = 1  # as the service's own default; batches run one after the other
_CALLS = MappingProxyType[Operation, Call](
    {
        "encode": Call("encode", contract.ENCODE),
        "decode": Call("decode", contract.DECODE),
        "reconstruct": Call("reconstruct", contract.RECONSTRUCT),
        "score": Call("reconstruct", contract.SCORE),
    }
)


class EmbeddedEngine:
    """TensorFlow in this process; implements `service.cli.engines.Engine`."""

    def __init__(self, model: Model, graph: "Graph") -> None:
        """Take a graph that has run once; `open` makes one."""
        self.model = model
        self._graph = graph

    @classmethod
    @contextmanager
    def open(cls, options: Namespace) -> Iterator[Self]:
        """The version that the flags name, until the block ends.

        Raises:
            UsageError: If TensorFlow is missing, or there is no such version.
            CliError: If it cannot be loaded.
        """
        if find_spec("tensorflow") is None:
            raise UsageError(
                "TensorFlow is not installed: pip install 'digitcodec[embedded]', or ask a service with --server URL"
            )
        model = _find(options)
        with TemporaryDirectory(prefix="digitcodec-") as folder:
            graph = _load(model, Path(folder))
        try:
            yield cls(Model(model.name, model.version), graph)
        finally:
            graph.close()

    def ask(self, operation: Operation, batches: Iterable[Rows], threshold: float) -> Iterator[Answer]:
        """See `Engine.ask`."""
        for batch in batches:
            yield self._answer(operation, batch, threshold)

    def _answer(self, operation: Operation, batch: Rows, threshold: float) -> Answer:
        outputs = self._run(_CALLS[operation], batch)
        if operation == "encode":
            return Codes(self.model, outputs["codes"])
        if operation == "decode":
            return Pictures(self.model, outputs["images"])
        scores = outputs["anomaly_scores"]
        verdicts = (outputs["errors"], scores, find_anomalies(scores, threshold))
        if operation == "score":
            return Scores(self.model, *verdicts)
        return Reconstructions(self.model, *verdicts, outputs["reconstructions"])

    def _run(self, call: Call, batch: Rows) -> dict[str, Rows]:
        if call.signature == "decode" and batch.shape[1] != self._graph.code_dim:
            width, own = batch.shape[1], self._graph.code_dim
            raise CliError(
                f"codes of width {width} came, those of version {self.model.version} are {own} wide; codes belong to "
                "the version that made them: name it with --version"
            )
        try:
            outputs = self._graph.run(call.signature, call.outputs, batch)
            contract.check_answer(call, len(batch), Outcome(self.model.version, outputs))
        except BackendError as error:
            raise CliError(f"version {self.model.version} failed: {error}; `digitcodec doctor` looks at it") from error
        return outputs


def _find(options: Namespace) -> models.Model:
    settings = find_model(read_settings(), options.models)
    try:
        return models.load_model(settings, models.find_version_number(settings, options.version, options.label, None))
    except BulkError as error:
        raise UsageError(f"{error}; name the folder with --models, or a service with --server") from error


def _load(model: models.Model, folder: Path) -> "Graph":
    with held_back_stderr():
        from service.backends.embedded.graph import list_devices, load_warm_graph

        list_devices()
    try:
        return load_warm_graph(models.write_model(model, folder), _THREADS, (1,))
    except UnusableModelError as error:
        raise CliError(
            f"version {model.version} of {model.name} {error}; `digitcodec doctor` looks at the others"
        ) from error
