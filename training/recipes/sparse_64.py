"""Many units of which few speak for a digit: single-32 with twice the units and a price on speaking."""

from training.recipes.base import DenseNetwork, FitConfig, LossConfig, OptimizerConfig, Recipe

# "Silent" below: units that speak for less than .5 % of the test digits; this recipe has 4.
RECIPE = Recipe(
    name="sparse-64",
    summary="64 relu units of which few speak for a digit; each draws strokes of its own",
    source="what the articles wished for: sparse codes",
    known_result="test MSE .0150, 60 of 64 units alive, 15 speak for a digit",
    network=DenseNetwork(
        widths=(64,),  # a hidden layer before it can say all with fewer units: 31 to 43 of 64 never spoke again
        activation="relu",  # of no layer: the only hidden one is the code
        code_activation="relu",  # silence is exactly 0
        output_activation="sigmoid",
        kernel_sd="he",  # made for relu
        bias=1.0,  # every unit speaks for every digit at first: with 0 more of them fall silent
    ),
    fit=FitConfig(
        batch_size=256,  # as the default
        steps=8_000,  # 38 epochs of 54,000 images
        optimizer=OptimizerConfig(
            learning_rate=3e-3,  # as the default; at 1e-3 the error is .0179 in as many steps
            warm_up_steps=200,  # as the default, for the same reason
            weight_decay=0.3,  # strong: decoder weights that grow make small codes do, and the price meaningless
            beta_2=0.99,  # as the default
            schedule="cosine",
        ),
        average_decay=0.995,  # the last 200 steps, a fortieth of the fit
        loss=LossConfig(
            pixels="cross_entropy",  # teaches units from the start: squared errors are flat where a sigmoid is
            sparsity=0.45,  # 15 units above a twentieth of their peak for a digit; .6 gives 13, with 8 silent ones
            sparsity_rise=0.5,  # full from the start the price silences 17 units before they have learned a stroke
        ),
        watch_every_steps=400,  # 20 looks
    ),
)
