"""One request in the client's own terms, whatever carries it; and the options that calls have."""

from dataclasses import dataclass, replace
from typing import Literal, TypedDict

from service.client.answers import Answer, ServedModel
from service.domain import NEWEST, Codes, Images, Selector
from service.images import Preprocess

Operation = Literal["encode", "decode", "reconstruct", "score", "models", "ready"]

DEFAULT_THRESHOLD = 0.99
"""An image is an anomaly if its score is greater, unless the caller says otherwise."""


class Options(TypedDict, total=False):
    """What every call may say.

    Attributes:
        version: The model version that answers; the newest one by default.
        label: A label of a version instead.
        timeout_s: Seconds for each request of the call with all its attempts, instead of the client's.
    """

    version: int | None
    label: str | None
    timeout_s: float | None


class ImageOptions(Options, total=False):
    """What calls with images may say beside that.

    Attributes:
        preprocess: `strict` takes 28x28 pixels as they are; `mnist` takes any size and makes every image, arrays too,
            as MNIST was made.
        include_normalised: True for an answer with the images as the model saw them.
    """

    preprocess: Preprocess
    include_normalised: bool


@dataclass(frozen=True, slots=True)
class Packed:
    """Images that travel as pixels.

    Attributes:
        images: uint8 (n, 28, 28).
    """

    images: Images

    def __len__(self) -> int:
        return len(self.images)

    def cut(self, start: int, stop: int) -> "Packed":
        """Some of them."""
        return Packed(self.images[start:stop])


@dataclass(frozen=True, slots=True)
class Files:
    """Images that travel as files.

    Attributes:
        files: The bytes of each.
    """

    files: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.files)

    def cut(self, start: int, stop: int) -> "Files":
        """Some of them."""
        return Files(self.files[start:stop])


@dataclass(frozen=True, slots=True)
class CodeRows:
    """Codes.

    Attributes:
        codes: float32 (n, code_dim).
    """

    codes: Codes

    def __len__(self) -> int:
        return len(self.codes)

    def cut(self, start: int, stop: int) -> "CodeRows":
        """Some of them."""
        return CodeRows(self.codes[start:stop])


Load = Packed | Files | CodeRows


@dataclass(frozen=True, slots=True)
class Ask:
    """One request.

    Attributes:
        operation: What is wanted.
        load: Its rows; None for `models` and `ready`.
        selector: Which version is to answer.
        preprocess: How images are made fit for the model.
        threshold: Scores above it are anomalies.
        include_normalised: Whether the answer is to show the images as the model saw them.
        first_row: Number of its first row among those of the call.
    """

    operation: Operation
    load: Load | None = None
    selector: Selector = NEWEST
    preprocess: Preprocess = "strict"
    threshold: float = DEFAULT_THRESHOLD
    include_normalised: bool = False
    first_row: int = 0

    def __len__(self) -> int:
        return 0 if self.load is None else len(self.load)

    def take(self, start: int, stop: int) -> "Ask":
        """The same of some of its rows; it must have rows."""
        if self.load is None:
            raise ValueError(f"{self.operation} has no rows")
        return replace(self, load=self.load.cut(start, stop), first_row=self.first_row + start)


Result = Answer | tuple[ServedModel, ...] | bool
"""What an ask is answered with: rows, models, or whether the service is ready."""
