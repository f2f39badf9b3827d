"""What each recipe is there to teach, whatever it reaches; figures come from elsewhere."""

from typing import NamedTuple

from training.recipes import GROUPS
from training.recipes.base import Recipe


class Lesson(NamedTuple):
    """Why a recipe is here.

    Attributes:
        text: What to look at, in a sentence or two.
        article_mse: The test MSE that its article reports; None where it reports none.
    """

    text: str
    article_mse: float | None = None


_DYING = "[below](#why-the-first-articles-code-dies)"
LESSONS = {
    "relu-300-100-20": Lesson(
        f"A relu code and large RMSprop steps do not go together; what happens is measured {_DYING}.",
        article_mse=0.031768,
    ),
    "relu-300-100-2": Lesson("The same stack with two units to lose instead of twenty; `fixed-2d` is what mends it."),
    "sigmoid-256-128-64": Lesson(
        "Initial weights of standard deviation 1 add 784 pixels up to where a sigmoid is flat, and flat sigmoids "
        "pass hardly any gradient.",
    ),
    "sigmoid-256-128-64-2": Lesson(
        "Two more such layers, down to a map of two numbers: the slopes of sigmoids in a row multiply."
    ),
    "sigmoid-128-64": Lesson(
        "The same kind of stack, a layer less, from weights of standard deviation .05 and in small batches: compare it "
        "with `sigmoid-256-128-64`.",
        article_mse=0.010630,
    ),
    "sigmoid-256-128": Lesson(
        "Two faults at once: large initial weights, and RMSprop steps of .01 that never become smaller."
    ),
    "single-32": Lesson(
        "One layer to the code, one back, sigmoid cross-entropy: what the simplest network reaches in little time.",
    ),
    "conv-32": Lesson(
        "Convolutions look for the same stroke everywhere, so they need fewer parameters than dense layers."
    ),
    "sparse-2d": Lesson("`fixed-2d` with a price on what its two numbers say: so few leave nothing to keep silent."),
    "sparse-64": Lesson(
        "`single-32` with twice the units and a price on each that speaks, so that few do for a digit and each draws "
        "strokes of its own; compare the two."
    ),
    "vae-16": Lesson(
        "The code is drawn from a distribution close to the standard normal, so that `decode` turns random codes into "
        "new digits; compare its error with `plain-16` for the price.",
    ),
    "fixed-2d": Lesson(
        "A linear code, which no step can silence, a rate that becomes smaller, and residual blocks: compare it with "
        "`relu-300-100-2`."
    ),
    "plain-16": Lesson("Compression to 16 numbers: dense residual blocks and a short convolutional stem."),
    "plain-32": Lesson("Compression to 32 numbers by the same network."),
    "plain-64": Lesson("Compression to 64 numbers by the same network."),
    "denoising-32": Lesson(
        "The default: sees noisy digits and is asked for the clean ones. Beside `plain-32` stands what that costs on "
        "digits that are clean already.",
    ),
}


def find_lesson(recipe: Recipe) -> Lesson:
    """The lesson of a recipe; one that nobody wrote a lesson for speaks for itself."""
    return LESSONS.get(recipe.name) or Lesson(f"{recipe.summary[:1].upper()}{recipe.summary[1:]}.")


def find_group(recipe: Recipe) -> str:
    """What brings a recipe here, in the registry's words; one that it does not have is with the last ones, ours."""
    groups = (group for group, members in GROUPS.items() if recipe.name in {member.name for member in members})
    return next(groups, list(GROUPS)[-1])
