"""What keeps a service from starting."""


class CannotStartError(Exception):
    """The service cannot start as it is configured; the text says why, in one line for the operator."""
