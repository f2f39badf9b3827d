"""Labels whose version is not there: what the log and the callers are told of them, by either backend."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.domain import VersionStatus
from service.words import shorten


class LabelReport:
    """Logs a label without a version once, and again only after the version has been there in between."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._told: set[tuple[str, int]] = set()

    def tell(self, labels: Mapping[str, int], statuses: Sequence[VersionStatus]) -> None:
        """Log what is new; a version that is being loaded may yet come.

        Args:
            labels: Version by label.
            statuses: What a complete look found.
        """
        states = {status.version: status.state for status in statuses}
        missing = {(label, number) for label, number in labels.items() if states.get(number) != "AVAILABLE"}
        lost = {(label, number) for label, number in missing if states.get(number) != "LOADING"}
        for label, number in sorted(lost - self._told):
            self._log.warning("label_without_version", label=label, version=number)
        self._told = (self._told | lost) & missing


def describe_unknown(label: str, model_name: str, labels: Mapping[str, int]) -> str:
    """What a caller is told whose label nobody gave to a version."""
    hint = f"it has {sorted(labels)}" if labels else "DIGITCODEC_MODEL__LABELS names them"
    return f"{model_name} has no label {shorten(label)}; {hint}"


def describe_target(label: str, number: int, model_name: str) -> str:
    """The beginning of what a caller is told whose label's version does not answer."""
    return f"label {shorten(label)} points to version {number} of {model_name}, which is"
