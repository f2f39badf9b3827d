"""What a fit makes small, image by image; knows no data and no optimiser."""

from typing import Any

import tensorflow as tf

from training.networks.autoencoder import Autoencoder
from training.recipes.base import FitConfig, LossConfig

_PIXELS = 28 * 28


def sparsity_share(config: FitConfig, step: Any) -> Any:
    """How much of the weight of sparsity counts at a step, float32 from 0: in [0, 1]."""
    rise = config.loss.sparsity_rise * config.steps
    return tf.minimum(1.0, step / rise) if rise else tf.constant(1.0)


def image_losses(model: Autoencoder, config: LossConfig, noisy: Any, clean: Any, noise: Any, share: Any = 1.0) -> Any:
    """The loss of each image; that of a batch is their mean.

    Shapes: float32 (n, 28, 28) in [0, 1] twice -> float32 (n,). `noise`, standard normal float32 (n, code_dim), makes
    the codes of a variational model; the others do not use it. `share` of the weight of sparsity counts.

    Source of the variational bound: Kingma and Welling, Auto-Encoding Variational Bayes, ICLR 2014.
    """
    if model.posterior is None:
        codes, divergence = model.encoder(noisy, training=True), 0.0
    else:
        means, log_variances = model.posterior(noisy, training=True)
        codes, divergence = _draw_codes(means, log_variances, noise)
    losses = _pixel_losses(model, config, codes, clean) + config.divergence * divergence
    if config.sparsity:
        losses += share * config.sparsity * tf.reduce_mean(tf.abs(tf.cast(codes, tf.float32)), axis=1)
    return losses


def _pixel_losses(model: Autoencoder, config: LossConfig, codes: Any, clean: Any) -> Any:
    if config.pixels == "squared":
        pictures = tf.cast(model.decoder(codes, training=True), tf.float32)
        return tf.reduce_mean(tf.square(pictures - clean), axis=(1, 2))
    assert model.logits is not None  # noqa: S101  # a recipe test holds it: cross-entropy needs a sigmoid
    logits = tf.cast(model.logits(codes, training=True), tf.float32)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(clean, logits), axis=(1, 2))


def _draw_codes(means: Any, log_variances: Any, noise: Any) -> tuple[Any, Any]:
    """One code from each image's distribution, and its divergence from the standard normal in nats for each pixel."""
    means, log_variances = tf.cast(means, tf.float32), tf.cast(log_variances, tf.float32)
    surplus = tf.square(means) + tf.exp(log_variances) - 1 - log_variances
    return means + tf.exp(log_variances / 2) * noise, tf.reduce_sum(surplus, axis=1) / (2 * _PIXELS)
