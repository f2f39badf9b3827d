"""What the last look at the model server said: its versions, their states, and their signatures."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from service.backends.tfserving.failures import cut
from service.backends.tfserving.predict import find_number
from service.backends.tfserving.signatures import Checked
from service.domain import Selector, VersionStatus

State = Literal["LOADING", "AVAILABLE", "UNLOADING", "END"]

# tensorflow.serving.ModelVersionStatus.State; UNKNOWN and START have not been read yet either.
_STATES: Mapping[int, State] = MappingProxyType(
    {0: "LOADING", 10: "LOADING", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}
)

MISSING = ("the model card: it is out of reach behind TensorFlow Serving",)


class _Seen(NamedTuple):
    """One version as the server told it."""

    state: State
    error: str | None


_UNSEEN = _Seen("END", None)
_UNCHECKED = Checked()


class Versions:
    """The server's versions, refused ones among them; a version counts as known once its signatures were checked."""

    def __init__(self, labels: Mapping[str, int]) -> None:
        self._labels = labels
        self._seen: dict[int, _Seen] = {}
        self._checked: dict[int, Checked] = {}

    def see(self, statuses: Any, checked: Mapping[int, Checked]) -> None:
        """Take over what one look found, instead of all that was seen before.

        Args:
            statuses: The server's ModelVersionStatus messages.
            checked: The signatures of versions that were unknown.
        """
        self._seen = {status.version: _Seen(_find_state(status), _find_error(status)) for status in statuses}
        known = {**self._checked, **checked}
        # What was unloaded may come back as another model of the same number.
        self._checked = {number: known[number] for number in self._available() if number in known}

    def forget(self, reason: str) -> None:
        """The server is away: what comes back may be another model. Until then no version is available.

        Args:
            reason: The error of every version that has not ended.
        """
        self._checked = {}
        self._seen = {number: _lose_sight(seen, reason) for number, seen in self._seen.items()}

    def find_unknown(self, statuses: Any) -> list[int]:
        """Versions that are available by these ModelVersionStatus messages and have not been checked, newest first."""
        available = (status.version for status in statuses if _find_state(status) == "AVAILABLE")
        return [number for number in sorted(available, reverse=True) if self._is_unknown(number)]

    def is_usable(self) -> bool:
        """True if the newest available version passes contract one: it is what the server runs by default."""
        available = self._available()
        return bool(available) and self._find_checked(available[0]).code_dim is not None

    def is_empty(self) -> bool:
        """True if the server knows no version, or has never told."""
        return not self._seen

    def explain(self, model_name: str) -> str:
        """Why `is_usable` is false, in a sentence; empty while it is true."""
        if self.is_usable():
            return ""
        available = self._available()
        is_loading = any(seen.state == "LOADING" for seen in self._seen.values())
        number = available[0] if available else max(self._seen, default=None)
        error = self._describe(number).error if number is not None and (available or not is_loading) else None
        if error is None:
            return f"no version of {model_name} is loaded yet"
        return f"version {number} of {model_name} cannot be used: {error}"

    def find_violation(self, selector: Selector) -> str | None:
        """How the version that the selector means violates contract one; None if it does not, as far as is known."""
        number = self._resolve(selector)
        checked = self._find_checked(number)
        return f"version {number} cannot be used: {checked.violation}" if checked.violation else None

    def find_code_dim(self, selector: Selector) -> int | None:
        """Code width of the version that the selector means, where it is known."""
        return self._find_checked(self._resolve(selector)).code_dim

    def may_come(self, selector: Selector) -> bool:
        """True if what the selector means is being loaded, or is just whatever comes first."""
        number = find_number(selector, self._labels)
        if number is None:
            return selector.label is None
        return not self._seen or self._seen.get(number, _UNSEEN).state == "LOADING"

    def describe(self) -> list[VersionStatus]:
        """Every version that the server knows, newest first."""
        return [self._describe(number) for number in sorted(self._seen, reverse=True)]

    def _describe(self, number: int) -> VersionStatus:
        seen, checked = self._seen[number], self._find_checked(number)
        return VersionStatus(
            version=number,
            state=_judge(seen.state, checked),
            error=checked.violation or checked.unread or seen.error,
            code_dim=checked.code_dim,
            labels=tuple(sorted(label for label, labelled in self._labels.items() if labelled == number)),
            signatures=checked.signatures,
            missing=MISSING,
        )

    def _available(self) -> list[int]:
        return sorted((number for number, seen in self._seen.items() if seen.state == "AVAILABLE"), reverse=True)

    def _resolve(self, selector: Selector) -> int | None:
        number = find_number(selector, self._labels)
        if number is None and selector.label is None:
            number = next(iter(self._available()), None)
        return number

    def _is_unknown(self, number: int) -> bool:
        return number not in self._checked or self._checked[number].unread is not None

    def _find_checked(self, number: int | None) -> Checked:
        return _UNCHECKED if number is None else self._checked.get(number, _UNCHECKED)


def _lose_sight(seen: _Seen, reason: str) -> _Seen:
    if seen.state == "END":
        return seen
    return _Seen("LOADING" if seen.state == "AVAILABLE" else seen.state, reason)


def _judge(state: State, checked: Checked) -> State:
    """A version that the server runs counts as available once it is known to keep contract one."""
    if checked.violation:
        return "END"
    return "LOADING" if state == "AVAILABLE" and checked.code_dim is None else state


def _find_state(status: Any) -> State:
    return _STATES.get(status.state, "LOADING")


def _find_error(status: Any) -> str | None:
    if not status.status.error_code:
        return None
    return cut(status.status.error_message) if status.status.error_message else f"error {status.status.error_code}"
