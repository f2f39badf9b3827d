"""Whatever takes its turn in a round, by the name that tables know it by."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.running import RunningService
from bench.speed import calls, client
from bench.speed.batches import read_batches
from bench.speed.helper import Helper
from bench.speed.loads import Load, render_requests, split_into_requests
from bench.speed.sample import Key, Sample
from bench.speed.systems import System
from service.domain import Images

SESSION, STUB = "direct session", "direct stub"

_WARM_S = 0.3


class Contestant(Protocol):
    """Something that can be measured."""

    @property
    def name(self) -> str:
        """For the tables."""

    @property
    def needs_others(self) -> bool:
        """True if it goes by what the others have shown in the round."""

    def takes(self, load: Load) -> bool:
        """True if the load can be asked of it."""

    def measure(self, load: Load, seconds: float, before: Mapping[Key, Sample]) -> Sample:
        """Ask for so long; `before` is what the others showed in this round."""


@dataclass(frozen=True, slots=True)
class Server:
    """A system that is asked over HTTP.

    Attributes:
        system: Which.
        helper: Where the load comes from.
        digits: What is sent.
        told_by: The service whose metrics tell of batches, if one does.
    """

    system: System
    helper: Helper
    digits: Images
    told_by: RunningService | None = None
    needs_others: bool = False

    @property
    def name(self) -> str:
        """That of the system."""
        return self.system.name

    def takes(self, load: Load) -> bool:
        """Whatever the system has a path for."""
        return self.system.find_path(load) is not None

    def measure(self, load: Load, seconds: float, before: Mapping[Key, Sample]) -> Sample:  # noqa: ARG002 - it is its own
        """Send requests, and read what they cost and which batches they made."""
        requests = render_requests(load, self.digits, self.system.find_path(load) or "/")
        earlier = read_batches(self.told_by) if self.told_by else None
        used_s = self.system.read_processor_s()
        asked = self.helper.call(client.ask, self.system.port, requests, load.callers, seconds, _WARM_S)
        used_s = self.system.read_processor_s() - used_s
        batches = read_batches(self.told_by).since(earlier) if self.told_by and earlier else None
        rate = len(asked.times_s) * load.rows / asked.seconds
        return Sample(rate, asked.times_s, used_s / asked.count * 1e6, batches)


@dataclass(frozen=True, slots=True)
class Session:
    """The graph in the session that the service uses: single images, and batches as large as the service formed.

    Attributes:
        helper: Where it is loaded.
        version: Folder of the SavedModel.
        digits: What it is given.
        like: Name of the system whose batches it repeats.
    """

    helper: Helper
    version: Path
    digits: Images
    like: str
    name: str = SESSION
    needs_others: bool = True

    def takes(self, load: Load) -> bool:
        """One image, or many callers whose images can share a batch."""
        return load.rows == 1 and (load.callers == 1 or load.signature == "encode")

    def measure(self, load: Load, seconds: float, before: Mapping[Key, Sample]) -> Sample:
        """Call it from one thread."""
        rows = _find_batch_rows(before.get((self.like, load.name))) if load.callers > 1 else 1
        batches = split_into_requests(Load(load.signature, 1, rows), self.digits)
        times_s = self.helper.call(calls.time_session, self.version, load.signature, batches, seconds)
        return _build_sample(times_s, rows)


@dataclass(frozen=True, slots=True)
class Stub:
    """A Predict call of a model server, without a gateway.

    Attributes:
        helper: Where the calls come from.
        target: gRPC target.
        digits: What is sent.
    """

    helper: Helper
    target: str
    digits: Images
    name: str = STUB
    needs_others: bool = False

    def takes(self, load: Load) -> bool:
        """The codes of one image."""
        return load == Load("encode", 1)

    def measure(self, load: Load, seconds: float, before: Mapping[Key, Sample]) -> Sample:  # noqa: ARG002 - it is its own
        """Call it from one thread."""
        batches = split_into_requests(load, self.digits)
        return _build_sample(self.helper.call(calls.time_predict, self.target, batches, seconds), load.rows)


def _find_batch_rows(sample: Sample | None) -> int:
    return max(1, round(sample.batches.mean_rows)) if sample and sample.batches else 1


def _build_sample(times_s: NDArray[np.float64], rows: int) -> Sample:
    return Sample(len(times_s) * rows / float(times_s.sum()), times_s)
