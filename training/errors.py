"""Everything that a user of the trainer can set right, named by what happened.

TrainerError
|-- DataError       the digits cannot be read, fetched or split
|-- RecipeError     no such recipe
|-- TrainingError   the numbers went wrong while fitting, or the fit cannot run as asked
|-- FitStoppedError Ctrl-C or SIGTERM stopped the fit
|-- ExportError     the version cannot be written or does not pass its check
|-- EvaluationError the version cannot be measured
`-- PromotionError  the version may not become the next one

The command line prints their text, one line, and ends with status 2; other exceptions are defects.
"""


class TrainerError(Exception):
    """Base of the errors whose text tells the user what to do next."""


class DataError(TrainerError):
    """The digits cannot be read, fetched or split."""


class RecipeError(TrainerError):
    """No recipe has this name."""


class TrainingError(TrainerError):
    """The fit produced numbers that cannot be used, or cannot run as it was asked to."""


class FitStoppedError(TrainerError):
    """A signal stopped the fit; the text says what is kept. The command line ends with status 130."""


class ExportError(TrainerError):
    """The version cannot be written or does not pass its check; nothing was published."""


class EvaluationError(TrainerError):
    """The version cannot be measured: it is not there, does not load, or what it is measured on is contradictory."""


class PromotionError(TrainerError):
    """The candidate may not become the next version; nothing was published."""
