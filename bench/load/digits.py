"""Images and the right answers for them, asked of the service itself one by one."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bench.doors import open_doors
from bench.running import RunningService
from bench.words.ask import Arrays
from service.domain import Codes, Images

_DOOR = "HTTP"


@dataclass(frozen=True, slots=True)
class Digits:
    """Images with all that the model says about each; row i of every output belongs to image i.

    Attributes:
        inputs: uint8 (n, 28, 28).
        outputs: By name: codes, images (the codes decoded), reconstructions, errors, anomaly_scores.
    """

    inputs: Images
    outputs: Arrays

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def codes(self) -> Codes:
        """The codes of the images, which are inputs of `decode` too."""
        return self.outputs["codes"]

    def pick(self, rows: NDArray[Any]) -> Self:
        """Some of them."""
        return type(self)(self.inputs[rows], {name: values[rows] for name, values in self.outputs.items()})


def learn_answers(service: RunningService, images: Images) -> Digits:
    """Ask for every image alone, so that no answer can be a neighbour's."""
    with open_doors(service) as doors:
        answers = [_ask(doors[_DOOR], images[row : row + 1]) for row in range(len(images))]
    return Digits(images, {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]})


def _ask(door: Any, image: Images) -> dict[str, NDArray[Any]]:
    codes, reconstruction = door.encode(image), door.reconstruct(image)
    return {
        "codes": codes,
        "images": door.decode(codes),
        "reconstructions": reconstruction.pictures,
        "errors": reconstruction.errors,
        "anomaly_scores": reconstruction.anomaly_scores,
    }
