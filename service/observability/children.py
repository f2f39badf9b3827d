"""The series of one metric, by the values of its labels."""

from collections.abc import Callable, Hashable
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Child = TypeVar("Child")


class Children(dict[Key, Child]):
    """What counts or times under the labels of a key, made when it is first asked for.

    To find a child among its siblings by the library's own `labels` costs more than to count with it.
    """

    def __init__(self, make: Callable[[Key], Child]) -> None:
        """Begin with none.

        Args:
            make: Makes the child of a key.
        """
        super().__init__()
        self._make = make

    def __missing__(self, key: Key) -> Child:
        child = self[key] = self._make(key)
        return child
