"""compose.yaml as Compose reads it: with the variables of .env.example put in, and with an overlay on top."""

import re
from collections.abc import Mapping
from typing import Any

import yaml
from support.metric_names import REPOSITORY

_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
# Lists of these keys replace the former ones; all others are joined (the Compose specification, Merge and override).
_REPLACED = frozenset({"command", "entrypoint", "test"})


def read_example() -> dict[str, str]:
    """The variables of .env.example."""
    lines = (REPOSITORY / ".env.example").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    return {name: value for name, value in pairs}  # noqa: C416 - a pair is a list here


def list_defaults(name: str) -> dict[str, str]:
    """The variables that a file asks for, with their defaults."""
    return dict(_VARIABLE.findall((REPOSITORY / name).read_text(encoding="utf-8")))


def read_compose(*names: str) -> Mapping[str, Any]:
    """The files, each on top of those before it, with the variables' defaults."""
    merged: Any = {}
    for name in names:
        text = _VARIABLE.sub(r"\2", (REPOSITORY / name).read_text(encoding="utf-8")).replace("$$", "$")
        merged = merge(merged, yaml.safe_load(text))
    assert isinstance(merged, dict)
    return merged


def merge(below: Any, above: Any, key: str = "") -> Any:
    """What two files say of one key, the second on top."""
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {name: merge(below.get(name), value, name) for name, value in above.items()}
    if isinstance(below, list) and isinstance(above, list) and key not in _REPLACED:
        return below + above
    return above
