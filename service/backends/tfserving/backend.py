"""The TensorFlow Serving backend: runs batches on a model server, and answers as an embedded model would."""

from collections.abc import Sequence

import grpc.aio

from service.backends.labels import describe_target, describe_unknown
from service.backends.tfserving.connection import Connection
from service.backends.tfserving.failures import describe, find_error, means_away
from service.backends.tfserving.predict import find_number, parse_answer, render_metadata, render_request
from service.backends.tfserving.versions import Versions
from service.backends.tfserving.watch import Watch
from service.domain import Answer, Call, Deadline, Origin, Rows, Selector, VersionStatus
from service.errors import BackendContractError, DigitCodecError, InvalidCodeError, NotFoundError, NotReadyError
from service.settings import ModelSettings, TFServingBackendSettings
from service.wire.tensorflow_serving import PREDICT

# Who waited has been told by then: the batchers are closed first. With limits.shutdown_grace_s it stays below the
# 30 s after which orchestrators kill.
_CLOSE_GRACE_S = 5.0

_CLOSED = "the connection to the model server is closed"


class TFServingBackend:
    """TensorFlow Serving over gRPC; implements `service.backends.base.Backend`.

    A call without a selector leaves the choice to the server, so that a change of version fails nobody. Calls are
    sent even while the server counts as away: they fail at once, or find that it is back.
    """

    def __init__(self, settings: TFServingBackendSettings, model: ModelSettings) -> None:
        """Prepare, and connect to nothing yet.

        Args:
            settings: Where the server is, and how to speak with it.
            model: The model's name on the server, the labels, and how often to look; `root` and `keep_versions` are
                the server's own affair.

        Raises:
            UnusableCertificateError: If a file that TLS needs cannot be used.
        """
        self._model = model
        self._connection = Connection(settings)
        self._versions = Versions(model.labels)
        self._watch = Watch(self._connection, self._versions, settings, model)
        self._is_closed = False

    async def start(self) -> None:
        """Begin to connect and to watch."""
        self._connection.open()
        self._watch.start()

    async def close(self) -> None:
        """Stop watching, let running calls finish within seconds, and close the connection."""
        self._is_closed = True
        await self._watch.close()
        await self._connection.close(_CLOSE_GRACE_S)

    def is_ready(self) -> bool:
        """True if the last look succeeded and the newest available version passes contract one."""
        return not self._is_closed and self._watch.is_in_touch() and self._versions.is_usable()

    def explain(self) -> str:
        """Why `is_ready` is false, in a sentence for operators; empty while it is true."""
        return _CLOSED if self._is_closed else self._watch.explain()

    def describe(self) -> list[VersionStatus]:
        """Every version that the server knows, newest first."""
        return self._versions.describe()

    async def run(self, call: Call, rows: Rows, deadline: Deadline, origins: Sequence[Origin] = ()) -> Answer:
        """Run one batch on the server; see `Backend.run`.

        Raises:
            OverloadedError: If the server takes no more work.
            DeadlineExceededError: If the deadline passes before the server answers.
        """
        if self._is_closed:
            raise NotReadyError(_CLOSED)
        await self._check(call, rows, deadline)
        deadline.check()
        request = render_request(call, rows, self._model.name, self._model.labels)
        try:
            response = await self._connection.ask(PREDICT, request, deadline.remaining_s(), render_metadata(origins))
        except grpc.aio.AioRpcError as failure:
            if means_away(failure):
                self._watch.note_away(describe(failure))
            raise self._find_error(failure, call) from failure
        return parse_answer(call, response, self._model.labels)

    async def _check(self, call: Call, rows: Rows, deadline: Deadline) -> None:
        """Refuse what the server must not see: it may put codes of a wrong width into one batch with good ones."""
        violation = self._versions.find_violation(call.selector)
        if violation is not None:
            raise BackendContractError(violation)
        if call.signature != "decode" or self._fits(call, rows):
            return
        # A version with another width may have taken over since the last look.
        await self._watch.look_early(deadline.remaining_s())
        deadline.check()
        if not self._fits(call, rows):
            code_dim = self._versions.find_code_dim(call.selector)
            raise InvalidCodeError(f"codes of width {rows.shape[1]} came, this model's are {code_dim} wide")

    def _fits(self, call: Call, rows: Rows) -> bool:
        return self._versions.find_code_dim(call.selector) in {None, rows.shape[1]}

    def _find_error(self, failure: grpc.aio.AioRpcError, call: Call) -> DigitCodecError:
        error = find_error(failure, call)
        if not isinstance(error, NotFoundError):
            return error
        if self._versions.may_come(call.selector):
            return NotReadyError(self._explain_wait(call.selector))
        label = call.selector.label
        return error if label is None else NotFoundError(self._explain_label(label, error))

    def _explain_wait(self, selector: Selector) -> str:
        number = find_number(selector, self._model.labels)
        if number is None or self._versions.is_empty():
            return self.explain() or f"no version of {self._model.name} is loaded yet"
        return f"version {number} of {self._model.name} is not loaded yet"

    def _explain_label(self, label: str, error: NotFoundError) -> str:
        number = self._model.labels.get(label)
        if number is None:
            return f"{describe_unknown(label, self._model.name, self._model.labels)}; {error.detail}"
        loaded = sorted(status.version for status in self.describe() if status.state == "AVAILABLE")
        return f"{describe_target(label, number, self._model.name)} not loaded; loaded are {loaded}"
