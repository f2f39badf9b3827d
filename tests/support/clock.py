"""A clock that stands until a test moves it."""


class Clock:
    """Tells seconds, as `time.monotonic` does.

    Attributes:
        now_s: What it shows.
    """

    def __init__(self, now_s: float = 100.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        """What it shows."""
        return self.now_s
