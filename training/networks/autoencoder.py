"""What a model is to the rest of the trainer: its parts as Keras models; knows no way to build one."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np


@dataclass(frozen=True)
class Autoencoder:
    """The parts of a model; they share their weights.

    Attributes:
        encoder: float32 images (n, 28, 28) in [0, 1] -> codes float32 (n, code_dim).
        decoder: codes -> float32 pictures (n, 28, 28); squashed by a sigmoid they stay in [0, 1], others may leave it.
        code_dim: Width of the code.
        logits: What the decoder squashes into pixels by a sigmoid: codes -> float32 (n, 28, 28), any value; None where
            it squashes otherwise.
        posterior: Of a variational model: images -> [means, log variances], float32 (n, code_dim) each; the codes are
            the means. None for the others.
    """

    encoder: keras.Model
    decoder: keras.Model
    code_dim: int
    logits: keras.Model | None = None
    posterior: keras.Model | None = None

    def __call__(self, images: Any, *, training: bool = False) -> Any:
        """Pictures of images: float32 (n, 28, 28) in [0, 1] -> float32 (n, 28, 28), as `decoder` draws them."""
        return self.decoder(self.encoder(images, training=training), training=training)

    def weights(self) -> list[Any]:
        """Every trainable variable, the encoder's first, always in the same order."""
        models = (self.posterior or self.encoder, self.decoder)
        return [variable.value for model in models for variable in model.trainable_variables]

    def count_parameters(self) -> int:
        """How many numbers a fit adjusts."""
        return sum(int(np.prod(weight.shape)) for weight in self.weights())
