"""The default model: cleans noisy digits, 32 numbers a digit."""

from training.recipes.base import (
    ConvStem,
    CorruptionConfig,
    Dose,
    FitConfig,
    OptimizerConfig,
    Recipe,
    ResidualNetwork,
)

RECIPE = Recipe(
    name="denoising-32",
    summary="cleans noisy digits; the default",
    source="this project",
    known_result="clean MSE .0043 after 27 epochs",
    network=ResidualNetwork(
        code_dim=32,  # half the clean error of 16; 64 adds nothing to nearest neighbours on the codes
        width=208,  # with hidden 256 and five blocks 0.88 M parameters: the version directory stays under 4 MB
        hidden=256,
        encoder_blocks=3,  # cleaning is the encoder's work: 1 -> 3 gained more than width, .2 dB at gaussian .5
        decoder_blocks=2,  # a third one gained nothing
        stem=ConvStem(channels=(8, 16)),  # better codes than a dense layer; twice the channels: a fifth slower
    ),
    fit=FitConfig(
        batch_size=256,  # the most images/s on two cores; 512 takes fewer steps and ends no better
        steps=60_000,  # about 25 minutes on two cores, 279 epochs of 55,000; the curve still falls, slowly
        optimizer=OptimizerConfig(
            learning_rate=3e-3,  # better than 2e-3 at every length tried
            warm_up_steps=200,  # Adam's second moment needs about 1 / (1 - beta_2) steps before it can be trusted
            weight_decay=1e-4,  # only a guard: the held-out error follows the training error
            beta_1=0.9,  # Adam's own
            beta_2=0.99,  # short memory: the gradient's scale changes quickly under mixed corruption
            clip_norm=1.0,  # touches the first steps only
        ),
        average_decay=0.999,  # averages the last 1,000 steps: worth as much as a much lower rate
        corruption=CorruptionConfig(  # 62.5 % of a batch; the rest stays clean, or clean digits suffer
            gaussian=Dose(share=0.25, low=0.1, high=0.6),  # twice the others: it is the hardest to undo
            salt_and_pepper=Dose(share=0.125, low=0.05, high=0.35),  # past 35 % digits cannot be told apart
            dropped_cells=Dose(share=0.125, low=0.05, high=0.4),  # teaches to complete strokes
            blur=Dose(share=0.125, low=0.5, high=1.5),  # less is invisible, more melts the strokes together
        ),
        watch_every_steps=2_000,  # every 40 s; a look costs a quarter of a second
    ),
)
