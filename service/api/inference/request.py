"""An inference and its answer as both doors of the protocol have them; knows no transport."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from service.api.inference.datatypes import Shape


class Elements(Protocol):
    """The elements of a tensor in the form in which they came."""

    def read_numbers(self, datatype: str, shape: Shape) -> NDArray[Any]:
        """The numbers, row-major and flat; may share memory with what came.

        Raises:
            MalformedRequestError: If they are not of this type, or not as many as the shape has.
        """

    def read_strings(self, shape: Shape) -> list[bytes]:
        """The elements of a BYTES tensor, row-major; the caller has seen to it that the shape has few.

        Raises:
            MalformedRequestError: If they are no strings of bytes, or not as many as the shape has.
        """


@dataclass(frozen=True, slots=True)
class InputTensor:
    """One tensor that comes in.

    Attributes:
        name: Its name.
        datatype: Its data type, not looked at yet.
        shape: Its shape.
        elements: What it holds, not looked at yet.
    """

    name: str
    datatype: str
    shape: Shape
    elements: Elements


@dataclass(frozen=True, slots=True)
class InferRequest:
    """What a caller asks for.

    Attributes:
        model_name: The model.
        model_version: Its version, as text; see `models.parse_version`.
        id: The caller's own; goes back with the answer.
        parameters: Values beside the tensors.
        inputs: What comes in.
        outputs: Names of what is wanted; empty for all.
        size_bytes: About how much came.
    """

    model_name: str
    model_version: str
    id: str
    parameters: Mapping[str, Any]
    inputs: tuple[InputTensor, ...]
    outputs: tuple[str, ...]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class InferAnswer:
    """What goes back.

    Attributes:
        model_name: The model that was asked.
        model_version: The number of the version that answered.
        id: The caller's id; empty for none.
        outputs: Arrays by name, in the order in which they are wanted.
    """

    model_name: str
    model_version: str
    id: str
    outputs: Mapping[str, NDArray[Any]]

    @property
    def rows(self) -> int:
        """Rows of every output."""
        return len(next(iter(self.outputs.values())))
