"""How many rows each caller may send: a token bucket each."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.errors import RateLimitedError

# More buckets than this are looked through for full ones, which say nothing that a new one would not.
_MANY = 1024
_FORGET_INTERVAL_S = 1.0

# Nobody is told to wait longer, however small the rate: that is a number which every protocol can say.
_LONGEST_WAIT_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Rate:
    """How much one caller may send.

    Attributes:
        rows_per_s: In the long run, above 0.
        burst_rows: At once after a pause, above 0.
    """

    rows_per_s: float
    burst_rows: float

    @classmethod
    def of(cls, rows_per_s: float, burst_rows: float | None) -> "Rate":
        """A rate; without a burst of its own, two seconds' worth may come at once, and one row at least."""
        return cls(rows_per_s, max(1.0, 2 * rows_per_s) if burst_rows is None else burst_rows)


class _Bucket:
    """Tokens for one caller; a request larger than the burst passes when the bucket is full, and leaves a debt."""

    __slots__ = ("at_s", "rate", "tokens")

    def __init__(self, rate: Rate, now_s: float) -> None:
        self.rate = rate
        self.tokens = rate.burst_rows
        self.at_s = now_s

    def fill(self, now_s: float) -> None:
        """Add what has come in since the last look."""
        self.tokens = min(self.rate.burst_rows, self.tokens + (now_s - self.at_s) * self.rate.rows_per_s)
        self.at_s = now_s

    def take(self, rows: int) -> float:
        """Take tokens, and return 0; or take none, and return the seconds until there are enough, a day at most."""
        needed = min(rows, self.rate.burst_rows)
        if self.tokens < needed:
            return min((needed - self.tokens) / self.rate.rows_per_s, _LONGEST_WAIT_S)
        self.tokens -= rows
        return 0.0

    def put_back(self, rows: int) -> None:
        """Undo a `take`."""
        self.tokens = min(self.rate.burst_rows, self.tokens + rows)

    def is_full(self) -> bool:
        """True if its caller could as well have a new one."""
        return self.tokens >= self.rate.burst_rows


class RateLimiter:
    """Charges callers for the rows they send; one process's, so several share nothing."""

    def __init__(
        self,
        default: Rate | None,
        find_rates: Callable[[], Mapping[str, Rate]] = dict,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with full buckets.

        Args:
            default: What holds for callers who have no rate of their own; None for no limit.
            find_rates: The rates of those who have, by caller, at the moment.
            clock: Seconds.
        """
        self._default = default
        self._find_rates = find_rates
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._forgot_at_s = clock()

    def charge(self, caller: str, rows: int) -> None:
        """Charge a caller for a request that is about to be admitted.

        Raises:
            RateLimitedError: If that is more than the caller's rate; `retry_after_s` says when it will do.
        """
        rate = self._find_rates().get(caller, self._default)
        if rate is None:
            return
        wait_s = self._find_bucket(caller, rate).take(rows)
        if wait_s > 0:
            error = RateLimitedError(f"{rows} rows came, more than the {rate.rows_per_s:g} rows/s of this caller allow")
            error.retry_after_s = wait_s
            raise error

    def refund(self, caller: str, rows: int) -> None:
        """Give back what a caller was charged for a request that was not admitted after all."""
        bucket = self._buckets.get(caller)
        if bucket is not None:  # else it was full
            bucket.put_back(rows)

    def _find_bucket(self, caller: str, rate: Rate) -> _Bucket:
        now_s = self._clock()
        bucket = self._buckets.get(caller)
        if bucket is None or bucket.rate != rate:
            self._forget_full(now_s)
            bucket = self._buckets[caller] = _Bucket(rate, now_s)
        bucket.fill(now_s)
        return bucket

    def _forget_full(self, now_s: float) -> None:
        """Callers may be any number of addresses; while all of them are in debt, to look is in vain, and not cheap."""
        if len(self._buckets) < _MANY or now_s - self._forgot_at_s < _FORGET_INTERVAL_S:
            return
        self._forgot_at_s = now_s
        for bucket in self._buckets.values():
            bucket.fill(now_s)
        self._buckets = {caller: bucket for caller, bucket in self._buckets.items() if not bucket.is_full()}
