"""What a study finds out, as plain values that JSON can hold: what is measured here, and what the page tells of."""

from typing import Any, NamedTuple, TypedDict

from training.recipes.base import Recipe


class Outcome(NamedTuple):
    """What became of a recipe.

    Attributes:
        recipe: As long as it was to be trained.
        card: Of its newest version, if that was made by this recipe, seed and data; else None.
        failure: Why its last training gave none; None if it did not fail, or was not tried.
        seconds: Duration of the training with calibration, measuring and the check of the export; None where there is
            no model, or no study made it.
    """

    recipe: Recipe
    card: dict[str, Any] | None
    failure: str | None
    seconds: float | None


class Run(TypedDict):
    """How a variant of the first article's recipe went.

    Attributes:
        label: What is different.
        seed: Of initial weights and order.
        steps: Of the fit.
        code_dim: Width of the code.
        looks: Steps done at each look, from 0; of a revival the first is at the model that is to be revived.
        dead_units: At each look, code units that say the same of every watched digit.
        watched_errors: At each look, the mean squared error on the watched digits.
        dead_since: Steps done after which the gradient of every code unit was exactly 0 to the end; None if it never
            was.
        mean_inputs: In each of the first steps, the mean of what the code's units got before their activation.
        largest_inputs: The same, the largest.
        largest_changes: In each of the first steps, the largest change of a weight of the code's layer.
        seconds: How long it took.
    """

    label: str
    seed: int
    steps: int
    code_dim: int
    looks: list[int]
    dead_units: list[int]
    watched_errors: list[float]
    dead_since: int | None
    mean_inputs: list[float]
    largest_inputs: list[float]
    largest_changes: list[float]
    seconds: float


class DyingCode(TypedDict):
    """All runs: the recipe as written in several seeds, and its changes by name, the unchanged one first."""

    seeds: list[Run]
    changes: dict[str, Run]


class DigitRun(TypedDict):
    """What the model of one digit reaches.

    Attributes:
        digit: Whose training images it saw.
        fitted_images: How many of them the weights were fitted to.
        auroc_by_score: Of the test images of this digit against all others, by anomaly score.
        auroc_by_error: The same by reconstruction error.
        seconds: How long it took.
    """

    digit: int
    fitted_images: int
    auroc_by_score: float
    auroc_by_error: float
    seconds: float


class Findings(NamedTuple):
    """Everything that the page tells of.

    Attributes:
        data_name: What was trained and measured on.
        test_images: How many images the figures rest on.
        outcomes: Of every recipe, in the order of the registry.
        floor: Test MSE of principal components, by their number.
        dying: Why the first article's code dies; None if that was not measured.
        one_class: What models of one digit reach, by digit; empty if that was not measured.
    """

    data_name: str
    test_images: int
    outcomes: list[Outcome]
    floor: dict[int, float]
    dying: DyingCode | None
    one_class: list[DigitRun]

    @property
    def fit_seconds(self) -> float:
        """How long all fits took, those of the parts with what belongs to them."""
        return self._part_seconds() + sum(float(card["training_seconds"]) for card in self.cards())

    @property
    def seconds(self) -> float | None:
        """How long all of it took but the principal components; None where a model was not made by a study."""
        recipes = [outcome.seconds for outcome in self.outcomes if outcome.card]
        known = [seconds for seconds in recipes if seconds is not None]
        return self._part_seconds() + sum(known) if len(known) == len(recipes) else None

    def cards(self) -> list[dict[str, Any]]:
        """Of all recipes that have a model."""
        return [outcome.card for outcome in self.outcomes if outcome.card]

    def _part_seconds(self) -> float:
        dying = [] if self.dying is None else [*self.dying["seeds"], *self.dying["changes"].values()]
        return sum(run["seconds"] for run in dying) + sum(run["seconds"] for run in self.one_class)
