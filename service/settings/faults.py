"""Says in one line what is wrong with a setting, in the names that an operator typed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from pydantic_core import ErrorDetails

from service.settings.backends import EmbeddedBackendSettings, TFServingBackendSettings
from service.settings.root import DELIMITER, PREFIX, Settings

_KINDS = {
    kind.model_fields["kind"].default: sorted(kind.model_fields)
    for kind in (EmbeddedBackendSettings, TFServingBackendSettings)
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a fault is; what is empty takes no part in it.

    Attributes:
        group: The first part of the variable's name; empty for a fault of several groups together.
        kind: The kind of the backend, which stands in no variable's name.
        name: The second part; empty for a fault of the group as a whole.
        keys: The way to the fault inside a map.
    """

    group: str
    kind: str
    name: str
    keys: tuple[str, ...]

    @property
    def variable(self) -> str:
        """As an operator types it."""
        return _name(*filter(None, (self.group, self.name)))


def describe_fault(fault: ErrorDetails) -> str:
    """One faulty setting; a fault of several settings together names them itself."""
    describe = _DESCRIPTIONS.get(fault["type"], _describe_value)
    return describe(_parse_place(fault["loc"]), fault)


def _parse_place(loc: tuple[int | str, ...]) -> _Place:
    steps = [str(step) for step in loc]
    kind = steps.pop(1) if steps[:1] == ["backend"] and len(steps) > 1 else ""
    group, name, *keys = steps + [""] * (2 - len(steps))
    return _Place(group, kind, name, tuple(keys))


def _describe_value(place: _Place, fault: ErrorDetails) -> str:
    return f"{', '.join([place.variable, *place.keys])}: {fault['msg']}, got {fault['input']!r}"


def _describe_own_check(place: _Place, fault: ErrorDetails) -> str:
    message = fault["msg"].removeprefix("Value error, ")
    return f"{place.variable}: {message}, got {fault['input']!r}" if place.name else message


def _describe_kind(place: _Place, fault: ErrorDetails) -> str:
    backend, variable = fault["input"], _name(place.group, "kind")
    if not isinstance(backend, dict):
        return f"{place.variable} is no setting; did you mean {variable}={backend}?"
    return f"{variable}: expected one of {', '.join(_KINDS)}, got {backend.get('kind')!r}"


def _describe_unknown(place: _Place, _: ErrorDetails) -> str:
    """What may have been meant: a setting of the other backend, or one with a similar name."""
    others = [kind for kind, names in _KINDS.items() if place.kind and place.name in names]
    if others:
        advice = f" of the {place.kind} backend; it needs {_name(place.group, 'kind')}={others[0]}"
    elif near := get_close_matches(place.name, _find_names(place), 1, 0.6):
        advice = f"; did you mean {_name(place.group, near[0])}?"
    else:
        advice = f"; after {_name(place.group)}__ comes one of {', '.join(_find_names(place)).upper()}"
    return f"{place.variable} is no setting{advice}"


def _find_names(place: _Place) -> list[str]:
    if place.kind:
        return _KINDS[place.kind]
    return sorted(getattr(Settings.model_fields[place.group].annotation, "model_fields", {}))


def _name(*steps: str) -> str:
    return PREFIX + DELIMITER.join(steps).upper()


_DESCRIPTIONS: Mapping[str, Callable[[_Place, ErrorDetails], str]] = MappingProxyType(
    {
        "extra_forbidden": _describe_unknown,
        "model_type": _describe_unknown,
        "union_tag_invalid": _describe_kind,
        "union_tag_not_found": _describe_kind,
        "value_error": _describe_own_check,
    }
)
"""By pydantic's type of the error; of all others, its own words will do."""
