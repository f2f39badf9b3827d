"""How requests are tried again, by a clock that the test moves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from service.client import ClientError, NotFoundError, OverloadedError, Retries, UnreachableError
from service.client.asks import Ask
from service.client.conversation import Manner, Send, Talk, Wait, send_patiently
from service.client.retries import RetryBudget, find_wait_s


@dataclass
class Scene:
    """A conversation about one ask, with a service that says what it is told to.

    Attributes:
        now_s: The time.
        sent: What was sent: the time, and the seconds left for it.
        waits: How long each wait was.
    """

    now_s: float = 100.0
    sent: list[tuple[float, float]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def play(self, failures: list[ClientError], *, took_s: float = 0.0, late_s: float = 0.0, **options: Any) -> object:
        """Ask, let the first requests fail and the next succeed: the answer."""
        retries = Retries(**options.pop("retries", {}))
        manner = Manner(10.0, retries, options.pop("budget", None) or RetryBudget(retries), lambda: self.now_s, max)
        talk = Talk(send_patiently(Ask("models"), manner))
        while (step := talk.step) is not None:
            if isinstance(step, Wait):
                self.waits.append(step.seconds)
                self.now_s += step.seconds + late_s
                talk.tell(None)
                continue
            assert isinstance(step, Send)
            self.sent.append((self.now_s, step.timeout_s))
            self.now_s += took_s
            self._reply(talk, failures)
        return talk.answer

    def _reply(self, talk: Talk[Any], failures: list[ClientError]) -> None:
        if failures:
            talk.fail(failures.pop(0))
        else:
            talk.tell("answer")


def refuse(retry_after_s: float | None = None) -> ClientError:
    """A failure that another try may mend."""
    return OverloadedError("full", retry_after_s=retry_after_s)


def test_waits_double_up_to_the_longest() -> None:
    """The time left for each request is what is left of the whole."""
    scene = Scene()
    answer = scene.play([refuse(), refuse(), refuse(), UnreachableError("gone")], took_s=1)

    assert ("answer", [0.1, 0.2, 0.4, 0.8]) == (answer, scene.waits)
    assert pytest.approx([10.0, 8.9, 7.7, 6.3, 4.5]) == [left_s for _, left_s in scene.sent]


def test_service_says_when_to_come_back() -> None:
    """Nobody comes earlier, and not all at the same moment."""
    scene = Scene()
    scene.play([refuse(2.0)])

    assert [2.1] == scene.waits


@pytest.mark.parametrize("draw", [min, max])
def test_wait_is_drawn_between_its_half_and_its_whole(draw: Callable[[float, float], float]) -> None:
    """The third wait is four times the first."""
    retries = Retries(first_wait_s=1, last_wait_s=60)

    assert draw(2, 4) == find_wait_s(refuse(), 3, retries, draw)


def test_attempts_end() -> None:
    """With the last error."""
    scene, last = Scene(), refuse()
    with pytest.raises(OverloadedError) as caught:
        scene.play([refuse(), refuse(), last], retries={"max_attempts": 3})

    assert (last, 3) == (caught.value, len(scene.sent))


def test_wait_beyond_the_deadline_is_not_begun() -> None:
    """The error comes at once."""
    scene = Scene()
    with pytest.raises(OverloadedError):
        scene.play([refuse(9.95)])

    assert ([], 1) == (scene.waits, len(scene.sent))


def test_wait_that_ends_late_leaves_a_moment() -> None:
    """The service takes no time that is not above 0."""
    scene = Scene()
    scene.play([refuse(9.8)], late_s=1)

    assert [10.0, 0.001] == [left_s for _, left_s in scene.sent]


def test_final_errors_cost_no_tokens() -> None:
    """They say nothing about how the service fares."""
    budget = RetryBudget(Retries(max_tokens=2))
    for _ in range(5):
        with pytest.raises(NotFoundError):
            Scene().play([NotFoundError("none")], budget=budget)

    assert "answer" == Scene().play([], budget=budget)
    assert not budget.spend()


def test_budget_is_earned_back_by_successes() -> None:
    """Half of the tokens must be left, and more, for another try."""
    budget = RetryBudget(Retries(max_tokens=4, token_ratio=0.5))
    spent = [budget.spend() for _ in range(3)]
    for _ in range(5):
        budget.earn()

    assert ([True, False, False], True) == (spent, budget.spend())


def test_budget_has_bounds() -> None:
    """A long quiet time does not pay for a storm, and a long storm is forgotten by its end."""
    rich, poor = (RetryBudget(Retries(max_tokens=4, token_ratio=1)) for _ in range(2))
    for _ in range(100):
        rich.earn()
        poor.spend()
    for _ in range(4):
        poor.earn()

    assert [True, False] == [rich.spend(), rich.spend()]
    assert [True, False] == [poor.spend(), poor.spend()]
