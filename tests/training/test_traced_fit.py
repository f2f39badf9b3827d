"""The fit that is looked at closely: the same fit as every other, and what it writes down is so."""

import dataclasses
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from support.small_fit import Recorder, load_parts  # noqa: E402  # beside the imports below

from training.fit.loop import fit  # noqa: E402  # needs TensorFlow
from training.recipes.base import DenseNetwork, FitConfig, OptimizerConfig  # noqa: E402  # beside the others
from training.study.traced_fit import Start, Traced, plan_looks, trace_fit  # noqa: E402  # needs TensorFlow

_NETWORK = DenseNetwork(
    widths=(24, 4),
    activation="relu",
    code_activation="relu",
    output_activation="relu",
    kernel_sd=0.1,
    bias=0.1,
)
_CONFIG = FitConfig(
    batch_size=20, steps=12, optimizer=OptimizerConfig(0.01, rule="rmsprop", beta_2=0.9), watch_every_steps=12
)


@pytest.fixture(scope="module")
def traced() -> Traced:
    """Twelve steps."""
    return trace_fit(_NETWORK, _CONFIG, load_parts(), seed=3)


@pytest.fixture(scope="module")
def killed() -> Traced:
    """A fit whose steps are so large that no unit of its code outlives the first one."""
    config = dataclasses.replace(_CONFIG, optimizer=dataclasses.replace(_CONFIG.optimizer, learning_rate=10.0))
    return trace_fit(_NETWORK, config, load_parts(), seed=3)


def test_traced_fit_is_the_fit_itself(traced: Traced) -> None:
    """Looking changes no weight: the error on the watched digits is that of a usual fit of the same seed."""
    parts = load_parts()

    fitted = fit(_NETWORK, _CONFIG, parts.fit, parts.watch, 3, Recorder())

    assert fitted.watched_error == pytest.approx(traced.watched_errors[-1], rel=1e-5)
    for weight, expected in zip(traced.weights, fitted.autoencoder.weights(), strict=True):
        np.testing.assert_allclose(expected.numpy(), weight, rtol=1e-4, atol=1e-6)


def test_every_step_is_written_down(traced: Traced) -> None:
    """Looks from before the first step to the end; a figure of each kind for each step."""
    assert list(range(11)) == traced.looks[:11]
    assert 12 == traced.looks[-1]
    assert len(traced.looks) == len(traced.dead_units) == len(traced.watched_errors)
    for column in (traced.silent_units, traced.mean_inputs, traced.largest_inputs, traced.largest_changes):
        assert (12,) == column.shape
    assert np.all(traced.mean_inputs <= traced.largest_inputs)


def test_first_rmsprop_step_has_one_size(traced: Traced) -> None:
    """Whatever the gradient, rate / sqrt(1 - .9): its mean square starts at 0."""
    assert traced.largest_changes[0] == pytest.approx(0.01 / np.sqrt(0.1), rel=1e-3)


def test_mean_square_that_starts_at_one_makes_a_small_first_step(traced: Traced) -> None:
    """The gradient is then divided by nearly 1 and not by itself."""
    config = dataclasses.replace(_CONFIG, steps=1)

    started = trace_fit(_NETWORK, config, load_parts(), 3, Start(mean_square=1.0))

    assert started.largest_changes[0] < traced.largest_changes[0] / 10
    assert traced.mean_inputs[0] == pytest.approx(started.mean_inputs[0], abs=1e-6)


def test_dead_code_has_no_gradient(killed: Traced) -> None:
    """Nothing gets in, so nothing goes back, and the weights of the code stand still."""
    assert 4 == killed.dead_units[-1]
    assert 4 == killed.silent_units[-1]
    assert killed.largest_inputs[-1] < 0
    assert 0 == killed.largest_changes[-1]


def test_fit_goes_on_from_given_weights(killed: Traced) -> None:
    """The first look is at them, with another activation they learn again."""
    linear = dataclasses.replace(_NETWORK, code_activation="leaky_relu")
    config = dataclasses.replace(_CONFIG, steps=1)

    revived = trace_fit(linear, config, load_parts(), 3, Start(weights=killed.weights))

    assert 0 < revived.largest_changes[0]
    for weight, before in zip(revived.weights, killed.weights, strict=True):
        np.testing.assert_allclose(before, weight, atol=0.04)


@pytest.mark.parametrize(("steps", "expected"), [(1, [0, 1]), (3, [0, 1, 2, 3]), (10, list(range(11)))])
def test_short_fits_are_looked_at_after_every_step(steps: int, expected: list[int]) -> None:
    """Neither twice nor beyond the end."""
    assert expected == plan_looks(steps)


def test_long_fits_are_looked_at_more_and_more_seldom() -> None:
    """Some seventy looks, the last one at the end."""
    looks: Any = plan_looks(20_000)

    assert (0, 20_000) == (looks[0], looks[-1])
    assert len(looks) < 75
    assert np.all(np.diff(looks) > 0)
    assert max(np.diff(looks)) == np.diff(looks)[-1]
