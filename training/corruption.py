"""One definition of each corruption, for the fit and for the evaluation alike.

Every function maps float32 images (n, 28, 28) in [0, 1] to the same shape and range, runs eagerly or inside a
`tf.function`, and draws only from its seed, int32 (2,): equal seeds give equal noise. A strength is one number
for all images or a tensor (n,) with one for each.
"""

from typing import Any

import tensorflow as tf

from training.recipes.base import CorruptionConfig, Dose

SIDE = 28
CELL = 4
CELLS = SIDE // CELL


def gaussian(images: Any, sigma: Any, seed: Any) -> Any:
    """Add normal noise of standard deviation `sigma`, then clip."""
    noise = tf.random.stateless_normal(tf.shape(images), seed)
    return _clip(images + noise * _per_image(sigma))


def salt_and_pepper(images: Any, share: Any, seed: Any) -> Any:
    """Set `share` of the pixels to 0 or 1, half each; `share` in [0, 1]."""
    draw = tf.random.stateless_uniform(tf.shape(images), seed)
    share = _per_image(share)
    salted = tf.where(draw < share, tf.ones_like(images), images)
    return tf.where(draw < share / 2, tf.zeros_like(images), salted)


def dropped_cells(images: Any, share: Any, seed: Any) -> Any:
    """Set each of the 49 cells of 4x4 pixels to 0 with probability `share`, in [0, 1]."""
    draw = tf.random.stateless_uniform((tf.shape(images)[0], CELLS, CELLS), seed)
    kept = tf.cast(draw >= _per_image(share), tf.float32)
    cells = tf.reshape(images, (-1, CELLS, CELL, CELLS, CELL)) * kept[:, :, tf.newaxis, :, tf.newaxis]
    return tf.reshape(cells, tf.shape(images))


def erased_block(images: Any, side: int, seed: Any) -> Any:
    """Set a square of `side` pixels, 1 to 28, to 0; every place inside the picture is equally likely."""
    corner = tf.random.stateless_uniform((tf.shape(images)[0], 2), seed, 0, SIDE - side + 1, tf.int32)
    distance = tf.range(SIDE) - corner[:, :, tf.newaxis]
    inside = tf.cast((distance >= 0) & (distance < side), tf.float32)
    return images * (1.0 - inside[:, 0, :, tf.newaxis] * inside[:, 1, tf.newaxis, :])


def blur(images: Any, sigma: Any) -> Any:
    """Blur with a gaussian of standard deviation `sigma` pixels, > 0.

    The kernel is normalised over the pixels inside the picture, so that a border neither darkens nor wraps.
    """
    place = tf.range(SIDE, dtype=tf.float32)
    distance = tf.square(place[:, tf.newaxis] - place[tf.newaxis])
    weight = tf.exp(-distance / (2 * tf.square(_per_image(sigma))))
    weight /= tf.reduce_sum(weight, axis=2, keepdims=True)
    return _clip(weight @ images @ tf.transpose(weight, (0, 2, 1)))


def corrupt_batch(images: Any, corruption: CorruptionConfig, seed: Any) -> Any:
    """The mixed training corruption: each dose takes its fixed slots of the batch, the first slots stay clean.

    Fixed slots give every step the same mixture, where a draw for each image would add noise to the
    gradient; the images come shuffled, so every image meets every corruption. The batch size must be
    static. Source: the mixture of a denoising fit, strengths drawn uniformly for each image.
    """
    doses = (corruption.gaussian, corruption.salt_and_pepper, corruption.dropped_cells, corruption.blur)
    slots = [int(dose.share * images.shape[0]) for dose in doses]
    clean, *parts = tf.split(images, [images.shape[0] - sum(slots), *slots])
    seeds = tf.unstack(tf.random.split(seed, 7))
    noisy, salted, dropped, blurred = (
        _strengths(dose, size, key) for dose, size, key in zip(doses, slots, seeds, strict=False)
    )
    return tf.concat(
        [
            clean,
            gaussian(parts[0], noisy, seeds[4]),
            salt_and_pepper(parts[1], salted, seeds[5]),
            dropped_cells(parts[2], dropped, seeds[6]),
            blur(parts[3], blurred),
        ],
        axis=0,
    )


def _strengths(dose: Dose, size: int, seed: Any) -> Any:
    return tf.random.stateless_uniform((size,), seed, dose.low, dose.high)


def _per_image(strength: Any) -> Any:
    return tf.reshape(tf.cast(strength, tf.float32), (-1, 1, 1))


def _clip(images: Any) -> Any:
    return tf.clip_by_value(images, 0.0, 1.0)
