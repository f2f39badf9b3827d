"""Says in one line what is wrong with a setting, in the names that an operator typed."""

from collections.abc import Sequence
from difflib import get_close_matches

from pydantic_core import ErrorDetails

from service.settings import PREFIX, EmbeddedBackendSettings, Settings, TFServingBackendSettings

_KINDS = {
    kind.model_fields["kind"].default: sorted(kind.model_fields)
    for kind in (EmbeddedBackendSettings, TFServingBackendSettings)
}


def describe_fault(fault: ErrorDetails) -> str:
    """One faulty setting; a fault of several settings together names them itself."""
    message = fault["msg"].removeprefix("Value error, ")
    if not fault["loc"]:
        return message
    # The kind of the backend stands in the place of the fault, but not in the variable's name.
    steps = [str(step) for place, step in enumerate(fault["loc"]) if (place, fault["loc"][0]) != (1, "backend")]
    variable = _name(steps[:2]) + "".join(f", {key}" for key in steps[2:])
    if fault["type"].startswith("union_tag"):
        return _describe_kind(fault["input"])
    if fault["type"] == "extra_forbidden":
        return f"{variable} is no setting{_advise(fault['loc'], steps)}"
    if isinstance(fault["input"], dict):
        return f"{variable}: {message}"
    return f"{variable}: {message}, got {fault['input']!r}"


def _name(steps: Sequence[str]) -> str:
    return PREFIX + "__".join(step.upper() for step in steps)


def _describe_kind(backend: object) -> str:
    variable = _name(["backend", "kind"])
    if not isinstance(backend, dict):
        return f"{_name(['backend'])} is no setting; did you mean {variable}={backend}?"
    return f"{variable}: expected one of {', '.join(_KINDS)}, got {backend.get('kind')!r}"


def _advise(loc: tuple[int | str, ...], steps: list[str]) -> str:
    """What may have been meant: a setting of the other backend, or one with a similar name."""
    *groups, name = steps
    if groups == ["backend"]:
        others = [kind for kind, names in _KINDS.items() if name in names and kind != loc[1]]
        if others:
            return f" of the {loc[1]} backend; it needs {_name(['backend', 'kind'])}={others[0]}"
        names = _KINDS[str(loc[1])]
    else:
        names = _find_names(groups[0])
    near = get_close_matches(name, names, 1, 0.6)
    known = ", ".join(each.upper() for each in names)
    return f"; did you mean {_name([*groups, near[0]])}?" if near else f"; after {_name(groups)}__ comes one of {known}"


def _find_names(group: str) -> list[str]:
    annotation = Settings.model_fields[group].annotation
    return sorted(getattr(annotation, "model_fields", {}))
