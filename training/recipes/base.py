"""What a recipe consists of: plain values, no TensorFlow, so that listing them is instant."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class ConvStem:
    """Two convolutions of stride 2 before the first dense layer: 28x28 -> 14x14 -> 7x7.

    Attributes:
        channels: Output channels of the 4x4 and of the 3x3 convolution.
    """

    channels: tuple[int, int]


@dataclass(frozen=True)
class ResidualNetwork:
    """A trunk of pre-norm residual blocks on either side of a linear code.

    Attributes:
        code_dim: Width of the code.
        width: Width of the trunk.
        hidden: Width inside a block.
        encoder_blocks: Residual blocks before the code.
        decoder_blocks: Residual blocks after it.
        stem: What comes before the trunk; None for a plain dense layer.
        last_hidden: Width of one more hidden layer before the pixels; None for none.
    """

    code_dim: int
    width: int
    hidden: int
    encoder_blocks: int
    decoder_blocks: int
    stem: ConvStem | None = None
    last_hidden: int | None = None
    kind: str = field(default="residual", init=False)


# One class for each kind of network; `training.networks` holds a builder for each.
NetworkConfig: TypeAlias = ResidualNetwork


@dataclass(frozen=True)
class Dose:
    """How many images of a batch one corruption takes, and how strongly.

    Attributes:
        share: Part of the batch, in [0, 1].
        low: Weakest strength; each image draws its own, uniformly.
        high: Strongest strength.
    """

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class CorruptionConfig:
    """The mixture that a denoising fit sees; what no dose takes stays clean.

    Attributes:
        gaussian: Additive noise; the strength is its standard deviation, pixels in [0, 1].
        salt_and_pepper: Pixels set to 0 or 1; the strength is their share.
        dropped_cells: Cells of 4x4 pixels set to 0; the strength is their share.
        blur: Gaussian blur; the strength is its standard deviation in pixels.
    """

    gaussian: Dose
    salt_and_pepper: Dose
    dropped_cells: Dose
    blur: Dose


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW with clipping, warm-up and a cosine that ends at 0.

    Attributes:
        learning_rate: Peak step size.
        warm_up_steps: Steps of linear rise; a short run spends at most a fifth of its steps on it.
        weight_decay: Decoupled decay, of matrices and kernels only.
        beta_1: Decay of the first moment.
        beta_2: Decay of the second moment.
        clip_norm: Largest global norm of a gradient.
    """

    learning_rate: float
    warm_up_steps: int
    weight_decay: float
    beta_1: float
    beta_2: float
    clip_norm: float


@dataclass(frozen=True)
class FitConfig:
    """How the network is fitted; the loss is the mean squared error against the clean image.

    Attributes:
        batch_size: Images in a step.
        steps: Steps of a full training.
        optimizer: The update rule.
        average_decay: Decay of the moving average of the weights, which is what gets exported.
        corruption: What is done to the input; None to fit on clean images.
        watch_every_steps: Steps between two looks at the held-out error.
    """

    batch_size: int
    steps: int
    optimizer: OptimizerConfig
    average_decay: float
    corruption: CorruptionConfig | None
    watch_every_steps: int


@dataclass(frozen=True)
class Recipe:
    """One way to make a model, complete: the same recipe, data and seed give the same model.

    Attributes:
        name: What `--recipe` takes.
        summary: What it is for, in one line.
        source: Where it comes from.
        known_result: What a full training on MNIST reaches.
        network: The model.
        fit: How it is fitted.
    """

    name: str
    summary: str
    source: str
    known_result: str
    network: NetworkConfig
    fit: FitConfig
