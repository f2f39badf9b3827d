"""What keeps a bulk job from starting, or ends it; what is wrong with single images is no error but a row."""


class BulkError(Exception):
    """Base of both; the text says what happened, in one line for the user."""


class UsageError(BulkError):
    """The job cannot be started as it was asked for."""


class JobFailedError(BulkError):
    """The job ended before all rows were out; the same command goes on from there."""
