"""How a command ends, and what ends it early."""

OK = 0
FAILED = 1
MISUSED = 2
SOME_UNREADABLE = 3
ANOMALY_FOUND = 4
INTERRUPTED = 130  # what a shell reports after Ctrl-C
READER_GONE = 141  # the same after SIGPIPE


class CliError(Exception):
    """Ends a command; the text says what happened and what to do, a line for each thing that is wrong.

    Attributes:
        status: What the process returns.
    """

    status = FAILED


class UsageError(CliError):
    """The command cannot be done as it was asked for."""

    status = MISUSED
