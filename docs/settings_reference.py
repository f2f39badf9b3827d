"""Writes docs/settings.md from the settings themselves: `python -m docs.settings_reference`."""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from service.settings import PREFIX, Settings

TARGET = Path(__file__).with_name("settings.md")

_HEAD = """# Settings

Every setting is an environment variable, read once at start. A misspelt name is refused, not ignored.
This page is written by `python -m docs.settings_reference`; a test fails when it is stale.
"""


def render_reference() -> str:
    """The page: a section for each group, or for each kind of a group that has several; a row for each setting."""
    sections = [
        _render_group(name, kind, heading)
        for name, field in Settings.model_fields.items()
        for kind, heading in _find_kinds(name, field)
    ]
    return "\n".join([_HEAD, *sections])


def _find_kinds(name: str, field: FieldInfo) -> list[tuple[type[BaseModel], str]]:
    """The classes that a group may be of, each with its heading."""
    group = field.annotation
    if isinstance(group, type) and issubclass(group, BaseModel):
        return [(group, name)]
    kinds = [get_args(each)[0] if get_origin(each) is Annotated else each for each in get_args(group)]
    return [(kind, f"{name}, kind {kind.model_fields['kind'].default}") for kind in kinds]


def _render_group(name: str, group: type[BaseModel], heading: str) -> str:
    rows = [_render_setting(name, setting, info) for setting, info in group.model_fields.items()]
    summary = (group.__doc__ or "").strip()
    return "\n".join(
        [f"## {heading}\n", f"{summary}\n", "| variable | default | meaning |", "| --- | --- | --- |", *rows, ""]
    )


def _render_setting(group: str, name: str, info: FieldInfo) -> str:
    return f"| `{PREFIX}{group.upper()}__{name.upper()}` | {_render_default(info)} | {_render_meaning(info)} |"


def _render_meaning(info: FieldInfo) -> str:
    choices = get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
    allowed = f" One of {', '.join(f'`{choice}`' for choice in choices)}." if len(choices) > 1 else ""
    return (info.description or "") + allowed


def _render_default(info: FieldInfo) -> str:
    if info.default in (None, ()):
        return "none"
    if info.default is not PydanticUndefined:
        return f"`{_plain(info.default)}`"
    return "`{}`" if info.default_factory is dict else "depends on the machine"


def _plain(value: Any) -> Any:
    return value.as_posix() if isinstance(value, Path) else value


if __name__ == "__main__":
    TARGET.write_text(render_reference())
