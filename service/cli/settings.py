"""The service's settings, for commands that run its parts in this process."""

from pathlib import Path

from pydantic import ValidationError

from service.cli.errors import UsageError
from service.settings import ModelSettings, Settings, load_settings
from service.settings.faults import describe_fault
from service.startup import CannotStartError


def read_settings() -> Settings:
    """What the environment says.

    Raises:
        UsageError: If it says something that is no setting, or has no such value.
    """
    try:
        return load_settings()
    except ValidationError as error:
        raise UsageError("\n".join(describe_fault(fault) for fault in error.errors())) from error
    except CannotStartError as error:
        raise UsageError(str(error)) from error


def find_model(settings: Settings, folder: Path | None) -> ModelSettings:
    """The model's settings, with another folder if one is named."""
    return settings.model if folder is None else settings.model.model_copy(update={"root": folder})
