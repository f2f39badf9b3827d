"""The first article's recipe, in several seeds and with one change at a time: what the dying code is studied on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from training.recipes import relu_300_100_20
from training.recipes.base import Activation, DenseNetwork, FitConfig, OptimizerConfig, Recipe

RECIPE = relu_300_100_20.RECIPE
# Initial weights and order decide when the code dies, and whether all of it does.
SEEDS = 4
# By then a code has died, or its fit is well on its way.
STEPS = 6_000
# Long after the article's code has died, where it does.
STEPS_BEFORE_REVIVAL = 1_000


@dataclass(frozen=True)
class Variant:
    """One run of the study of the dying code.

    Attributes:
        name: Names its file.
        label: What is different, for tables and pictures.
        network: What is built; its code's layer is dense.
        fit: How it is fitted.
        seed: Of initial weights and order.
        mean_square: What RMSprop's mean squared gradients start at.
        revives: Whether the weights are those of the recipe as written after `STEPS_BEFORE_REVIVAL` steps.
    """

    name: str
    label: str
    network: DenseNetwork
    fit: FitConfig
    seed: int
    mean_square: float = 0.0
    revives: bool = False


def seeds(recipe: Recipe, first_seed: int) -> list[Variant]:
    """The recipe as written and in full length, in several seeds."""
    network = network_of(recipe)
    return [
        Variant(f"seed-{seed}", f"as written, seed {seed}", network, recipe.fit, seed)
        for seed in range(first_seed, first_seed + SEEDS)
    ]


def changes(recipe: Recipe, steps: int, seed: int) -> list[Variant]:
    """The recipe as written, then with one change each, then with several, then a dead code that is to live again."""
    as_written = Variant("as-written", "as written", network_of(recipe), replace(recipe.fit, steps=steps), seed)
    return [as_written, *_small_changes(as_written), *_large_changes(as_written), *_revivals(as_written)]


def _small_changes(as_written: Variant) -> Iterator[Variant]:
    network = as_written.network
    # For 784 inputs half the article's deviation, for the 100 before the code 1.4 times; the usual choice for relu.
    yield replace(as_written, name="he", label="He initialisation", network=replace(network, kernel_sd="he"))
    # TensorFlow 1, of the article's days, started so: its first steps were small, the later ones were not.
    yield replace(as_written, name="mean-square-1", label="mean square starts at 1", mean_square=1.0)
    yield replace(as_written, name="slow", label="rate 0.001", fit=_slow_down(as_written.fit))
    yield replace(as_written, name="leaky", label="leaky relu code", network=_activate(network, "leaky_relu"))
    yield replace(as_written, name="linear", label="linear code", network=_activate(network, "linear"))
    sigmoid = replace(network, output_activation="sigmoid")
    yield replace(as_written, name="sigmoid-output", label="sigmoid output", network=sigmoid)


def _large_changes(as_written: Variant) -> Iterator[Variant]:
    slow, linear = _slow_down(as_written.fit), _activate(as_written.network, "linear")
    yield replace(as_written, name="linear-slow", label="linear code, rate 0.001", network=linear, fit=slow)
    both = replace(linear, output_activation="sigmoid")
    label = "linear code, sigmoid output, rate 0.001"
    yield replace(as_written, name="linear-sigmoid-slow", label=label, network=both, fit=slow)
    adam = replace(slow, optimizer=OptimizerConfig(learning_rate=1e-3))  # Adam's own values
    mended = replace(both, kernel_sd="he")
    yield replace(
        as_written,
        name="linear-sigmoid-he-adam",
        label="linear code, sigmoid output, He, Adam",
        network=mended,
        fit=adam,
    )


def _revivals(as_written: Variant) -> Iterator[Variant]:
    dead = replace(as_written, revives=True)
    leaky, linear = (_activate(as_written.network, activation) for activation in ("leaky_relu", "linear"))
    yield replace(dead, name="revived-leaky", label="dead, then leaky relu code", network=leaky)
    yield replace(dead, name="revived-linear", label="dead, then linear code", network=linear)


def _slow_down(fit: FitConfig) -> FitConfig:
    """A tenth of the article's rate: what RMSprop usually has."""
    return replace(fit, optimizer=replace(fit.optimizer, learning_rate=1e-3))


def _activate(network: DenseNetwork, activation: Activation) -> DenseNetwork:
    return replace(network, code_activation=activation)


def network_of(recipe: Recipe) -> DenseNetwork:
    """The network of the article's recipe, which is dense."""
    assert isinstance(recipe.network, DenseNetwork)  # noqa: S101  # the article's recipe is one
    return recipe.network
