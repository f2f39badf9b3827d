"""Everything that docs/scaling.md says in figures, as one JSON file that is kept with the code."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from bench.scaling.carried import Carried, ModelSpeed
from bench.scaling.check import Comparison
from bench.scaling.scenarios import Curve
from bench.scaling.wire import WireBytes

FILE = Path(__file__).with_name("figures.json")
"""What the last `python -m bench.scaling measure` found."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One run of all measurements.

    Attributes:
        machine: On what.
        capacity: Answers per second of one process to 64 callers without a pause; median.
        call_s: What a call of a model server takes beyond the model.
        comparisons: Simulation and service.
        carried: Processor time of requests.
        model: Calls of the model on one core.
        wire: Bytes of images.
        curves: What was simulated.
    """

    machine: str
    capacity: float
    call_s: float
    comparisons: list[Comparison]
    carried: list[Carried]
    model: list[ModelSpeed]
    wire: list[WireBytes]
    curves: list[Curve]

    def find_carried(self, system: str, name: str) -> Carried:
        """What a format costs a system."""
        return next(each for each in self.carried if (each.system, each.format) == (system, name))

    def find_bytes(self, name: str) -> WireBytes:
        """What a format takes on the wire."""
        return next(each for each in self.wire if each.format == name)


_FORM = TypeAdapter(Figures)


def read_figures(path: Path = FILE) -> Figures:
    """What was written; raises pydantic.ValidationError if it is something else."""
    return _FORM.validate_json(path.read_bytes())


def write_figures(figures: Figures, path: Path = FILE) -> None:
    """Write them as JSON."""
    path.write_bytes(_FORM.dump_json(figures, indent=1) + b"\n")
