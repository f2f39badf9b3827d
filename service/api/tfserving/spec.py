"""Which model and version a request means, and how TensorFlow Serving calls one that is not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from service.api.tfserving.words import LABELS_NOT_INIT, MISSING_NAME, MISSING_SPEC, unknown_label
from service.api.versions import find_labelled
from service.codec import Codec
from service.domain import Selector
from service.errors import MalformedRequestError, NotFoundError, NotReadyError


@dataclass(frozen=True, slots=True)
class Spec:
    """What a ModelSpec or a path says; neither version nor label means the newest version that answers.

    Attributes:
        name: The model.
        version: An exact version.
        label: A version's label.
    """

    name: str
    version: int | None = None
    label: str | None = None

    @property
    def selector(self) -> Selector:
        """The same as the core has it."""
        return Selector(self.version, self.label)

    def check_model(self, served: str) -> None:
        """Refuse a model that is not served here.

        Raises:
            MalformedRequestError: If no name came.
            UnlistedError: If the model is another one, and a label chooses its version.
            NotFoundError: If the model is another one.
        """
        if not self.name:
            raise MalformedRequestError(MISSING_NAME)
        if self.name != served:
            raise self.describe_absence(None)

    def describe_absence(self, labelled: int | None) -> NotFoundError:
        """The error for a version that is not there.

        Args:
            labelled: The version that the label, if there is one, points at; None if it is unknown.
        """
        number = self.version if self.label is None else labelled
        if number is not None:
            return NotFoundError(f"Servable not found for request: Specific({self.name}, {number})")
        if self.label is not None:
            return unknown_label(self.label)
        return NotFoundError(f"Servable not found for request: Latest({self.name})")


def parse_spec(request: Any) -> Spec:
    """The spec in a message that has a `model_spec`.

    Raises:
        MalformedRequestError: If it is not set.
    """
    if not request.HasField("model_spec"):
        raise MalformedRequestError(MISSING_SPEC)
    spec = request.model_spec
    choice = spec.WhichOneof("version_choice")
    return Spec(
        spec.name,
        version=spec.version.value if choice == "version" else None,
        label=spec.version_label if choice == "version_label" else None,
    )


@contextmanager
def absence_in_words(spec: Spec, codec: Codec) -> Iterator[None]:
    """What the core says of a version that is not there, as TensorFlow Serving says it.

    Raises:
        UnlistedError: If there is no such label.
        NotFoundError: If there is no such version.
        NotReadyError: If it may come.
    """
    try:
        yield
    except NotFoundError as error:
        raise spec.describe_absence(find_labelled(spec.label, codec)) from error
    except NotReadyError as error:
        if spec.label is not None and not codec.has_started():
            raise NotReadyError(LABELS_NOT_INIT) from error
        raise
