"""What a recipe consists of: plain values, no TensorFlow, so that listing them is instant."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

Activation: TypeAlias = Literal["linear", "relu", "leaky_relu", "sigmoid"]


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
        code_activation: What the code's units do last.
        variational: Whether the encoder gives the mean of a normal distribution and, for the fit alone, its variance.
    """

    code_dim: int
    width: int
    hidden: int
    encoder_blocks: int
    decoder_blocks: int
    stem: ConvStem | None = None
    last_hidden: int | None = None
    code_activation: Activation = "linear"
    variational: bool = False
    kind: str = field(default="residual", init=False)


@dataclass(frozen=True)
class DenseNetwork:
    """Dense layers down to the code, and their mirror image up to the pixels, as the articles draw it.

    Attributes:
        widths: Widths after the pixels; the last one is the code's.
        activation: What hidden units do.
        code_activation: What the code's units do.
        output_activation: What the pixels do; whatever lies outside [0, 1] is cut off when a picture is made.
        kernel_sd: Standard deviation of the normal distribution that initial kernels are drawn from, or a scheme that
            chooses one for each layer.
        bias: What all biases start with.
    """

    widths: tuple[int, ...]
    activation: Activation
    code_activation: Activation
    output_activation: Activation
    kernel_sd: float | Literal["he", "glorot"]
    bias: float
    kind: str = field(default="dense", init=False)

    @property
    def code_dim(self) -> int:
        """Width of the code."""
        return self.widths[-1]


@dataclass(frozen=True)
class ConvNetwork:
    """Two convolutions of stride 2 down to 7x7 and two transposed ones up again, dense layers between.

    Attributes:
        code_dim: Width of the code.
        channels: Maps of 14x14 and of 7x7 pixels, on either side.
        hidden: Width of the dense layer between the maps and the code, on either side.
    """

    code_dim: int
    channels: tuple[int, int]
    hidden: int
    kind: str = field(default="conv", init=False)


# One class for each kind of network; `training.networks.build` has a builder for each.
NetworkConfig: TypeAlias = ResidualNetwork | DenseNetwork | ConvNetwork


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
    """The update rule, and how its step size changes over a fit.

    Attributes:
        rule: `adamw`, which is Adam where there is no decay, or `rmsprop`.
        schedule: `cosine` ends at 0 on the last step; `constant` stays at the peak.
        learning_rate: Peak step size.
        warm_up_steps: Steps of linear rise, 0 for none; a short run spends at most a fifth of its steps on it.
        weight_decay: Decoupled decay, of matrices and kernels only.
        beta_1: Decay of the mean gradient; RMSprop has none and ignores it.
        beta_2: Decay of the mean squared gradient.
        clip_norm: Largest global norm of a gradient; None to leave it as it is.
    """

    learning_rate: float
    warm_up_steps: int = 0
    weight_decay: float = 0.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    clip_norm: float | None = None
    rule: Literal["adamw", "rmsprop"] = "adamw"
    schedule: Literal["constant", "cosine"] = "constant"


@dataclass(frozen=True)
class LossConfig:
    """What a fit makes small.

    Attributes:
        pixels: `squared`, the mean squared difference from the clean image, or `cross_entropy`, the mean binary cross
            entropy against it, computed from what the sigmoid squashes.
        sparsity: Weight of the mean absolute code: the larger, the fewer units speak at a time.
        sparsity_rise: Part of the fit, from its start, over which that weight rises from 0, in [0, 1]; a price that is
            full from the start silences units before they have learned anything.
        divergence: Weight of the Kullback-Leibler divergence of a variational code from the standard normal, in nats
            for each pixel as `pixels` is; 0 for codes that are not variational.
    """

    pixels: Literal["squared", "cross_entropy"] = "squared"
    sparsity: float = 0.0
    sparsity_rise: float = 0.0
    divergence: float = 0.0


@dataclass(frozen=True)
class FitConfig:
    """How the network is fitted.

    Attributes:
        batch_size: Images in a step.
        steps: Steps of a full training.
        optimizer: The update rule.
        watch_every_steps: Steps between two looks at the watched error, which are also the checkpoints.
        average_decay: Decay of the moving average of the weights, which is what gets exported; 0 for the weights as
            they are.
        corruption: What is done to the input; None to fit on clean images.
        loss: What is made small.
        patience: Looks without a new best watched error after which the fit ends early; the best weights are then
            exported, and not the last. None to go to the end and export the last.
    """

    batch_size: int
    steps: int
    optimizer: OptimizerConfig
    watch_every_steps: int
    average_decay: float = 0.0
    corruption: CorruptionConfig | None = None
    loss: LossConfig = field(default_factory=LossConfig)
    patience: int | None = None


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

    def deciding(self) -> dict[str, Any]:
        """What decides the numbers, as JSON has it: two recipes that differ in words alone make the same model."""
        return {"network": asdict(self.network), "fit": asdict(self.fit)}
