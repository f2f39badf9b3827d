"""Everything that a user of the trainer can set right, named by what happened.

TrainerError
|-- DataError       the digits cannot be read, fetched or split
|-- RecipeError     no such recipe
|-- TrainingError   the numbers went wrong while fitting
`-- ExportError     the version cannot be written or does not pass its check

The command line prints their text, one line, and ends with status 2; other exceptions are defects.
"""


class TrainerError(Exception):
    """Base of the errors whose text tells the user what to do next."""


class DataError(TrainerError):
    """The digits cannot be read, fetched or split."""


class RecipeError(TrainerError):
    """No recipe has this name."""


class TrainingError(TrainerError):
    """The fit produced numbers that cannot be used."""


class ExportError(TrainerError):
    """The version cannot be written or does not pass its check; nothing was published."""
