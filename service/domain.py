"""The values that travel through the gateway; knows no transport, no file format and no backend.

Those that every request makes on its way are named tuples, which take a third of the time of a frozen dataclass.
"""

import time
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.errors import DeadlineExceededError

IMAGE_SIDE = 28
IMAGE_BYTES = IMAGE_SIDE * IMAGE_SIDE

# Shapes: Images (n, 28, 28), Codes (n, code_dim), the others (n,).
Images = NDArray[np.uint8]
Codes = NDArray[np.float32]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Rows = NDArray[Any]

Signature = Literal["encode", "decode", "reconstruct"]
VersionState = Literal["LOADING", "AVAILABLE", "UNLOADING", "END"]


class Selector(NamedTuple):
    """Which version of the model a caller wants; neither field set means the newest one that is ready.

    Attributes:
        version: An exact version number.
        label: A name that the operator gave to a version, for example `stable`.
    """

    version: int | None = None
    label: str | None = None


NEWEST = Selector()


class Call(NamedTuple):
    """What a backend is asked to run; rows of equal calls may share a batch.

    Attributes:
        signature: A signature of the SavedModel.
        outputs: The names of the outputs that are wanted; no others are computed or sent.
        selector: The version to run it on.
    """

    signature: Signature
    outputs: tuple[str, ...]
    selector: Selector = NEWEST


class Answer(NamedTuple):
    """What a backend returned for one batch, or the part of it that belongs to one request.

    Attributes:
        version: The model version that computed every row.
        outputs: Arrays by output name; row i answers row i of the batch.
    """

    version: int
    outputs: dict[str, Rows]


class Deadline(NamedTuple):
    """A point on the monotonic clock after which nobody wants the answer any more.

    Attributes:
        at_s: Seconds on the clock of `time.monotonic`.
    """

    at_s: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The moment `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def remaining_s(self) -> float:
        """Seconds left; negative once the deadline has passed."""
        return self.at_s - time.monotonic()

    def check(self) -> float:
        """Refuse to go on for a caller whose time is up; else the seconds left.

        Raises:
            DeadlineExceededError: If the deadline has passed.
        """
        remaining_s = self.remaining_s()
        if remaining_s <= 0:
            raise DeadlineExceededError("the deadline passed before the work began")
        return remaining_s


@dataclass(slots=True)
class Timings:
    """Where one request's time went, in seconds; None for what it has not reached. Filled in on its way.

    Attributes:
        decode_s: From bytes to checked rows, the wait for a turn included.
        queue_s: From admission until the first rows left for the backend.
        backend_s: From then until the answer to the last row was there.
    """

    decode_s: float | None = None
    queue_s: float | None = None
    backend_s: float | None = None

    def note_decoded(self, began_s: float) -> None:
        """Add the time since then, by `time.perf_counter`, to that of decoding, which may have several steps."""
        self.decode_s = (self.decode_s or 0.0) + time.perf_counter() - began_s


@dataclass(slots=True, unsafe_hash=True)  # not frozen for the reason above; Timings rule out a named tuple
class Origin:
    """Where a request came from, and how it fares; not changed but for its timings.

    Attributes:
        request_id: As the log has it, so that a model server's log can be joined with ours; empty if there is none.
        traceparent: The W3C Trace Context that the request belongs to, or None.
        caller: Whose share of the queue it takes: the name of a key, or an address; empty for nobody in particular.
        timings: Where its time went.
    """

    request_id: str = ""
    traceparent: str | None = None
    caller: str = ""
    timings: Timings = field(default_factory=Timings, compare=False)


UNKNOWN_ORIGIN = Origin()
"""For callers inside the program. Its timings are those of all of them and say nothing; doors make their own origin."""


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One version of the model as the backend sees it; states as TensorFlow Serving names them.

    Attributes:
        version: Its number.
        state: LOADING while it is read, AVAILABLE while it answers, UNLOADING while its last
            batches finish, END once it has failed or is gone.
        error: Why it could not be loaded, what it cannot do, or why nothing newer is known of it; or None.
        code_dim: Width of its codes, once known.
        labels: The labels that point at it.
        signatures: Inputs and outputs of each signature, once known.
        missing: Companion files of contract one that it lacks; it serves without them.
        card: Its model card, or None where there is none.
    """

    version: int
    state: VersionState
    error: str | None = None
    code_dim: int | None = None
    labels: tuple[str, ...] = ()
    signatures: dict[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    card: dict[str, Any] | None = None


def find_anomalies(anomaly_scores: Floats, threshold: float) -> Flags:
    """True where an image is an anomaly; a score equal to the threshold is still normal.

    Shapes: (n,) -> (n,). The threshold is rounded to float32 first, so that a score that is printed as 0.99 equals a
    threshold of 0.99.
    """
    return anomaly_scores > np.float32(threshold)


@dataclass(frozen=True, slots=True)
class Encoded:
    """What `encode` answers.

    Attributes:
        version: The model version that computed it.
        codes: float32 (n, code_dim).
    """

    version: int
    codes: Codes


@dataclass(frozen=True, slots=True)
class Decoded:
    """What `decode` answers.

    Attributes:
        version: The model version that computed it.
        images: uint8 (n, 28, 28).
    """

    version: int
    images: Images


@dataclass(frozen=True, slots=True)
class Scored:
    """What `score` answers.

    Attributes:
        version: The model version that computed it.
        errors: Reconstruction errors, float32 (n,), >= 0.
        anomaly_scores: float32 (n,) in [0, 1], higher is stranger.
        anomalies: True where the score is above the threshold, (n,).
    """

    version: int
    errors: Floats
    anomaly_scores: Floats
    anomalies: Flags


@dataclass(frozen=True, slots=True)
class Reconstructed(Scored):
    """What `reconstruct` answers: a verdict, and the cleaned pictures.

    Attributes:
        reconstructions: uint8 (n, 28, 28).
    """

    reconstructions: Images
