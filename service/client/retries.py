"""When another try is made: only for failures that it may mend, within a budget, and never for ever."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from service.client.errors import ClientError

Draw = Callable[[float, float], float]


@dataclass(frozen=True, slots=True)
class Retries:
    """How failed requests are tried again; `Retries(max_attempts=1)` never does it.

    All operations may be sent twice without harm, so what counts is whether another try may succeed: after a full
    queue, a service that is not ready, and a connection that failed.

    Attributes:
        max_attempts: Most requests for one ask, the first included; 1 or greater.
        first_wait_s: Longest wait before the second attempt. The wait is drawn between its half and its whole, so that
            callers who failed together do not come back together.
        last_wait_s: Each wait is twice the one before, up to this.
        max_tokens: Size of the budget that all calls of a client share: a failed attempt costs one token, and nothing
            is tried again while half of them or fewer are left.
        token_ratio: What each success earns. A service in trouble gets at most this share of requests more.
    """

    max_attempts: int = 5
    first_wait_s: float = 0.1
    last_wait_s: float = 2.0
    max_tokens: float = 10.0
    token_ratio: float = 0.1


class RetryBudget:
    """The tokens of one client; threads may share it.

    As gRPC's retry throttling has it (gRFC A6).
    """

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._tokens = retries.max_tokens
        self._lock = threading.Lock()

    def earn(self) -> None:
        """Note a success."""
        with self._lock:
            self._tokens = min(self._retries.max_tokens, self._tokens + self._retries.token_ratio)

    def spend(self) -> bool:
        """Note a failure that another try may mend; True if the budget allows that try."""
        with self._lock:
            self._tokens = max(0.0, self._tokens - 1)
            return self._tokens > self._retries.max_tokens / 2


def find_wait_s(error: ClientError, attempt: int, retries: Retries, draw: Draw = random.uniform) -> float:
    """Seconds to wait after the failure of this attempt, counted from 1; at least what the service asks for.

    Args:
        error: Why it failed.
        attempt: Its number.
        retries: How to wait.
        draw: Gives a number between two.
    """
    longest_s = min(retries.last_wait_s, retries.first_wait_s * 2 ** (attempt - 1))
    return (error.retry_after_s or 0.0) + draw(longest_s / 2, longest_s)
