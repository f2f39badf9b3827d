"""Contract one: the signatures of the exported SavedModel; knows neither files nor how a model was trained.

An image's answer depends on that image alone, to the last bit. TensorFlow's matrix product gives one row other last
bits than the same row among several, while all larger batches agree. So a batch of fewer than two rows is filled up
inside the graph and the answer cut back; an empty batch gets an empty answer.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf

from training.anomaly.statistic import AnomalyStatistic
from training.anomaly.view import build_view, round_pixels, scale_pixels

if TYPE_CHECKING:
    from training.networks.autoencoder import Autoencoder

_LEAST_ROWS = 2

# Outputs by signature; their order is no part of the contract.
OUTPUTS = {
    "encode": ("codes",),
    "decode": ("images",),
    "reconstruct": ("reconstructions", "codes", "errors", "anomaly_scores"),
}


class ServedCodec:
    """The networks and the statistic behind the three signatures.

    Attributes:
        encode, decode, reconstruct: `tf.function`s from one named tensor to a dict of named tensors, for any
            number of rows. `encode` computes no picture; its codes are those of `reconstruct` but for the last
            bits, because a loader optimises each signature by itself. `decode` wants finite codes.
    """

    def __init__(self, autoencoder: "Autoencoder", statistic: AnomalyStatistic) -> None:
        self._autoencoder = autoencoder
        self._statistic = statistic
        images = tf.TensorSpec([None, 28, 28], tf.uint8, name="images")
        codes = tf.TensorSpec([None, autoencoder.code_dim], tf.float32, name="codes")
        self.encode = tf.function(self._encode, input_signature=[images])
        self.decode = tf.function(self._decode, input_signature=[codes])
        self.reconstruct = tf.function(self._reconstruct, input_signature=[images])

    @property
    def calibration_size(self) -> int:
        """How many held-out digits calibrate the scores."""
        return self._statistic.calibration.size

    def save(self, directory: Path) -> None:
        """Write the SavedModel: variables and signatures, nothing of Keras; a bare client reconstructs."""
        holder = tf.Module(name="digitcodec")
        networks = (self._autoencoder.encoder, self._autoencoder.decoder)
        holder.weights = [variable.value for network in networks for variable in network.variables]
        reconstruct = self.reconstruct.get_concrete_function()
        signatures = {
            "encode": self.encode.get_concrete_function(),
            "decode": self.decode.get_concrete_function(),
            "reconstruct": reconstruct,
            "serving_default": reconstruct,
        }
        # Nobody trains on an exported graph, and gradient functions would double it.
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(holder, str(directory), signatures, options)

    def _encode(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        codes = self._autoencoder.encoder(scale_pixels(_fill_up(images)), training=False)
        return _cut_back({"codes": codes}, images)

    def _decode(self, codes: tf.Tensor) -> dict[str, tf.Tensor]:
        pictures = self._autoencoder.decoder(_fill_up(codes), training=False)
        return _cut_back({"images": round_pixels(pictures)}, codes)

    def _reconstruct(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        view = build_view(self._autoencoder, _fill_up(images))
        answer = {
            "reconstructions": view.reconstructions,
            "codes": view.codes,
            "errors": view.errors,
            "anomaly_scores": self._statistic.anomaly_scores(view),
        }
        return _cut_back(answer, images)


def _fill_up(rows: tf.Tensor) -> tf.Tensor:
    """The rows, and rows of zeros where there are fewer than two."""
    company = tf.zeros([_LEAST_ROWS, *rows.shape[1:]], rows.dtype)
    return tf.concat([rows, company[: tf.maximum(_LEAST_ROWS - tf.shape(rows)[0], 0)]], axis=0)


def _cut_back(answer: dict[str, tf.Tensor], rows: tf.Tensor) -> dict[str, tf.Tensor]:
    """As many rows of each output as came in."""
    count = tf.shape(rows)[0]
    return {name: output[:count] for name, output in answer.items()}
