"""A SavedModel of contract one that trains in no time, with arithmetic that a test can do by hand."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from service.domain import Codes, Floats, Images

CODE_DIM = 4
_BAND = 28 // CODE_DIM


def toy_codes(images: Images) -> Codes:
    """Code k is the mean brightness, 0 to 1, of the k-th band of seven pixel rows."""
    bands = images.reshape(len(images), CODE_DIM, _BAND * 28).astype(np.float32)
    return np.asarray(bands.mean(axis=2) / np.float32(255))


def toy_images(codes: Codes) -> Images:
    """Each band filled with its code's brightness."""
    bright = np.rint(np.clip(codes, 0, 1) * np.float32(255)).astype(np.uint8)
    return np.repeat(np.repeat(bright[:, :, None], _BAND, axis=1), 28, axis=2)


def toy_errors(images: Images) -> Floats:
    """Reconstruction errors of the toy; its anomaly scores are the same numbers."""
    difference = (images.astype(np.float32) - toy_images(toy_codes(images)).astype(np.float32)) / 255
    return np.asarray(np.square(difference).mean(axis=(1, 2)), np.float32)


class Toy(tf.Module):  # type: ignore[misc]  # TensorFlow is untyped
    """The three signatures; one variable, the codes' scale."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self._scale = tf.Variable(scale, name="scale")

    @tf.function(input_signature=[tf.TensorSpec([None, 28, 28], tf.uint8, name="images")])  # type: ignore[untyped-decorator]
    def encode(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """`toy_codes`, times the scale."""
        bands = tf.reshape(tf.cast(images, tf.float32), [-1, CODE_DIM, _BAND * 28])
        return {"codes": self._scale * tf.reduce_mean(bands, axis=2) / 255.0}

    @tf.function(input_signature=[tf.TensorSpec([None, CODE_DIM], tf.float32, name="codes")])  # type: ignore[untyped-decorator]
    def decode(self, codes: tf.Tensor) -> dict[str, tf.Tensor]:
        """`toy_images` of the codes through the scale."""
        bright = tf.cast(tf.round(tf.clip_by_value(codes / self._scale, 0.0, 1.0) * 255.0), tf.uint8)
        return {"images": tf.tile(tf.repeat(bright, _BAND, axis=1)[:, :, None], [1, 1, 28])}

    @tf.function(input_signature=[tf.TensorSpec([None, 28, 28], tf.uint8, name="images")])  # type: ignore[untyped-decorator]
    def reconstruct(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Both, and `toy_errors` twice."""
        codes = self.encode(images)["codes"]
        reconstructions = self.decode(codes)["images"]
        difference = (tf.cast(images, tf.float32) - tf.cast(reconstructions, tf.float32)) / 255.0
        errors = tf.reduce_mean(tf.square(difference), axis=[1, 2])
        return {
            "reconstructions": reconstructions,
            "codes": codes,
            "errors": errors,
            "anomaly_scores": tf.identity(errors),
        }


def export_toy(path: Path, *, scale: float = 1.0) -> Path:
    """Write a toy version to `path`; its codes are `scale` times `toy_codes`, so that versions can be told apart."""
    toy = Toy(scale)
    signatures = {"encode": toy.encode, "decode": toy.decode, "reconstruct": toy.reconstruct}
    tf.saved_model.save(toy, str(path), signatures=signatures)
    return path
