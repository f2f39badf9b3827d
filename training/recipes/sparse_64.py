"""Many units of which few speak for a digit: single-32 with twice the units and a price on speaking."""

from training.recipes.base import DenseNetwork, FitConfig, LossConfig, OptimizerConfig, Recipe

RECIPE = Recipe(
    name="sparse-64",
    summary="64 relu units of which few speak for a digit; each draws its own strokes",
    source="what the articles wished for: sparse codes",
    known_result="not yet measured",
    # "Dead" below: units that speak for fewer than .5 % of the test digits, after 4,000 steps.
    network=DenseNetwork(
        widths=(64,),  # a deeper decoder needs no more than ten units, and the price kills the others
        activation="relu",  # of no layer: the only hidden one is the code
        code_activation="relu",  # silence is exactly 0
        output_activation="sigmoid",
        kernel_sd="he",
        bias=1.0,
    ),
    fit=FitConfig(
        batch_size=256,
        steps=8_000,
        optimizer=OptimizerConfig(
            learning_rate=1e-3,
            warm_up_steps=200,
            weight_decay=1.0,
            beta_2=0.99,
            clip_norm=1.0,
            schedule="cosine",
        ),
        loss=LossConfig(pixels="cross_entropy", sparsity=0.15),
        average_decay=0.995,
        watch_every_steps=400,
    ),
)
