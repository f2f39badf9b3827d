"""Encode, decode, reconstruct and score: the core that every door calls; knows no transport."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from service.backends import contract
from service.backends.base import Backend
from service.domain import (
    UNKNOWN_ORIGIN,
    Answer,
    Call,
    Codes,
    Deadline,
    Decoded,
    Encoded,
    Flags,
    Floats,
    Images,
    Origin,
    Reconstructed,
    Rows,
    Scored,
    Selector,
    Signature,
    VersionStatus,
    find_anomalies,
)
from service.errors import NotFoundError, NotReadyError, PayloadTooLargeError

DEFAULT_THRESHOLD = 0.99

# What is said instead of an answer that the model has computed.
_UNSEEN = (NotFoundError, NotReadyError)

ScoreObserver = Callable[[Floats, Floats, Flags], None]
"""Is told the reconstruction errors, anomaly scores and verdicts of one request's images; must be quick."""


class Charger(Protocol):
    """What keeps count of the rows that callers send."""

    def charge(self, caller: str, rows: int) -> None:
        """Charge a caller for a request that is about to be admitted.

        Raises:
            RateLimitedError: If that is more than it may send.
        """

    def refund(self, caller: str, rows: int) -> None:
        """Give back what a request was charged that the model did not see."""


class Submitter(Protocol):
    """What runs a call among others': a batcher, or several of them.

    Whoever only passes a request on is no coroutine: each takes a quarter of a microsecond.
    """

    def submit(self, call: Call, rows: Rows, deadline: Deadline, origin: Origin = UNKNOWN_ORIGIN) -> Awaitable[Answer]:
        """Run the call on the rows; see `service.batching.Batcher.submit`."""


class Codec:
    """Answers the four operations from one model.

    Every operation takes 1 to `max_rows` rows and returns as many, in order. All of them raise:
    PayloadTooLargeError for more rows, RateLimitedError when the caller sends more than it may, NotFoundError for an
    unknown version or label, OverloadedError when too much waits, NotReadyError while no version can answer,
    DeadlineExceededError when the caller's time is up, and BackendError or BackendContractError when the model fails.
    """

    def __init__(
        self,
        backend: Backend,
        lanes: Submitter,
        *,
        model_name: str,
        max_rows: int,
        observe_scores: ScoreObserver | None = None,
        charger: Charger | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            backend: Tells which versions there are.
            lanes: Run the calls.
            model_name: What the model is called.
            max_rows: Most rows of one request.
            observe_scores: Is told what the images of each request were answered.
            charger: Is asked before a request is admitted.
        """
        self._backend = backend
        self._lanes = lanes
        self._max_rows = max_rows
        self._observe_scores = observe_scores
        self._charger = charger
        self._has_started = False
        self._is_draining = False
        self.model_name = model_name

    async def encode(
        self, images: Images, selector: Selector, deadline: Deadline, *, origin: Origin = UNKNOWN_ORIGIN
    ) -> Encoded:
        """Codes of images: uint8 (n, 28, 28) -> float32 (n, code_dim)."""
        answer = await self._run(Call("encode", contract.ENCODE, selector), images, deadline, origin)
        return Encoded(answer.version, answer.outputs["codes"])

    async def decode(
        self, codes: Codes, selector: Selector, deadline: Deadline, *, origin: Origin = UNKNOWN_ORIGIN
    ) -> Decoded:
        """Images of codes: float32 (n, code_dim), finite -> uint8 (n, 28, 28).

        Raises:
            InvalidCodeError: If the codes are not as wide as the model's.
        """
        answer = await self._run(Call("decode", contract.DECODE, selector), codes, deadline, origin)
        return Decoded(answer.version, answer.outputs["images"])

    async def reconstruct(
        self,
        images: Images,
        selector: Selector,
        deadline: Deadline,
        threshold: float = DEFAULT_THRESHOLD,
        *,
        origin: Origin = UNKNOWN_ORIGIN,
    ) -> Reconstructed:
        """Cleaned pictures, reconstruction errors and verdicts of images, uint8 (n, 28, 28)."""
        answer = await self._run(Call("reconstruct", contract.RECONSTRUCT, selector), images, deadline, origin)
        outputs = answer.outputs
        return Reconstructed(
            version=answer.version,
            errors=outputs["errors"],
            anomaly_scores=outputs["anomaly_scores"],
            anomalies=self._judge(outputs, threshold),
            reconstructions=outputs["reconstructions"],
        )

    async def score(
        self,
        images: Images,
        selector: Selector,
        deadline: Deadline,
        threshold: float = DEFAULT_THRESHOLD,
        *,
        origin: Origin = UNKNOWN_ORIGIN,
    ) -> Scored:
        """Reconstruction errors and verdicts of images, uint8 (n, 28, 28), without their pictures."""
        answer = await self._run(Call("reconstruct", contract.SCORE, selector), images, deadline, origin)
        outputs = answer.outputs
        return Scored(answer.version, outputs["errors"], outputs["anomaly_scores"], self._judge(outputs, threshold))

    async def predict(
        self,
        signature: Signature,
        outputs: Sequence[str],
        rows: Rows,
        selector: Selector,
        deadline: Deadline,
        *,
        origin: Origin = UNKNOWN_ORIGIN,
    ) -> Answer:
        """Any outputs of a signature, for doors whose protocol names signatures and outputs itself.

        Args:
            signature: A signature of contract one.
            outputs: Names of its outputs, at least one; see `contract.OUTPUTS`.
            rows: uint8 (n, 28, 28), or finite float32 (n, code_dim) for `decode`.
            selector: The version to run it on.
            deadline: When the caller gives up.
            origin: Where the request came from.

        Returns:
            The version that answered and the outputs asked for, in their order.
        """
        answer = await self._run(Call(signature, contract.cover(signature, outputs), selector), rows, deadline, origin)
        if signature == "reconstruct":  # the prepared outputs always hold the scores
            self._judge(answer.outputs, DEFAULT_THRESHOLD)
        return Answer(answer.version, {name: answer.outputs[name] for name in outputs})

    def is_ready(self) -> bool:
        """True while a request without a version would be answered, and more of them are welcome."""
        return not self._is_draining and self._backend.is_ready()

    def explain(self) -> str:
        """Why `is_ready` is false, in a sentence for operators; empty while it is true."""
        return "the service is shutting down" if self._is_draining else self._backend.explain()

    def drain(self) -> None:
        """Say from now on that no more requests are welcome; those that come all the same are still answered."""
        self._is_draining = True

    def has_started(self) -> bool:
        """True from the first moment the service was ready, whatever happens later."""
        self._has_started = self._has_started or self.is_ready()
        return self._has_started

    def describe(self) -> list[VersionStatus]:
        """Every version of the model that is or was wanted, newest first."""
        return self._backend.describe()

    def _judge(self, outputs: dict[str, Rows], threshold: float) -> Flags:
        """The verdicts on images, told to who wants to know."""
        anomalies = find_anomalies(outputs["anomaly_scores"], threshold)
        if self._observe_scores is not None:
            self._observe_scores(outputs["errors"], outputs["anomaly_scores"], anomalies)
        return anomalies

    def _run(self, call: Call, rows: Rows, deadline: Deadline, origin: Origin) -> Awaitable[Answer]:
        if len(rows) > self._max_rows:
            raise PayloadTooLargeError(f"{len(rows)} rows came, the limit is {self._max_rows}")
        if self._charger is None:
            return self._lanes.submit(call, rows, deadline, origin)
        return self._run_charged(self._charger, call, rows, deadline, origin)

    async def _run_charged(
        self, charger: Charger, call: Call, rows: Rows, deadline: Deadline, origin: Origin
    ) -> Answer:
        """Charge the caller for what is run; what is refused was no work, and costs nothing."""
        charger.charge(origin.caller, len(rows))
        try:
            return await self._lanes.submit(call, rows, deadline, origin)
        except BaseException as error:
            if origin.timings.queue_s is None or isinstance(error, _UNSEEN):
                charger.refund(origin.caller, len(rows))
            raise
