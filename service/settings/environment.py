"""Reads the settings from the environment, and refuses variables that nothing would read."""

import os

from pydantic_settings import SettingsError

from service.settings.root import DELIMITER, PREFIX, Settings
from service.startup import CannotStartError

# The only setting that has names of its own below it.
_MAP = ["model", "labels"]


class UnreadableSettingError(CannotStartError):
    """A DIGITCODEC_* variable is set that no setting reads, or that cannot be parsed."""


def load_settings() -> Settings:
    """Read the settings from the environment, once.

    Raises:
        UnreadableSettingError: If a DIGITCODEC_* variable names no group, or something below a setting: the library
            would ignore it.
        pydantic.ValidationError: If a value is out of bounds or a name inside a group is unknown.
    """
    for name in os.environ:
        if name.startswith(PREFIX):
            _check_name(name)
    try:
        return Settings()
    except SettingsError as error:  # the library names the group at most
        raise UnreadableSettingError(
            f"{error}; a map is written as JSON: {PREFIX}MODEL__LABELS='{{\"stable\": 1}}'"
        ) from error


def _check_name(variable: str) -> None:
    steps = variable.removeprefix(PREFIX).lower().split(DELIMITER)
    groups = sorted(Settings.model_fields)
    if steps[0] not in groups:
        raise UnreadableSettingError(
            f"{variable} is no setting: after {PREFIX} comes one of {', '.join(groups).upper()}"
        )
    if steps[2:] and steps[:2] != _MAP:
        setting = PREFIX + DELIMITER.join(steps[:2]).upper()
        raise UnreadableSettingError(f"{variable} is no setting: nothing comes below {setting}")
