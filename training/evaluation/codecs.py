"""Models as codecs: one that was just trained, and a published version by its directory; measure nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.anomaly.statistic import AnomalyStatistic
from training.errors import EvaluationError
from training.evaluation.figures import Floats, Images, Reconstruction, split_rows
from training.export.signatures import OUTPUTS, ServedCodec

if TYPE_CHECKING:
    from training.networks.autoencoder import Autoencoder

_BATCH_ROWS = 1000


class SignatureCodec:
    """A codec that calls the signatures of contract one, a batch at a time."""

    def __init__(self, signatures: dict[str, Callable[..., Any]]) -> None:
        self._signatures = signatures

    def encode(self, images: Images) -> Floats:
        """Codes of images; see `training.evaluation.figures.Codec`."""
        return self._call("encode", images=images)["codes"]

    def decode(self, codes: Floats) -> Images:
        """Pictures of codes: float32 (n, code_dim), finite -> uint8 (n, 28, 28)."""
        return self._call("decode", codes=codes)["images"]

    def reconstruct(self, images: Images) -> Reconstruction:
        """Reconstructions of images; see `training.evaluation.figures.Codec`."""
        answers = self._call("reconstruct", images=images)
        return Reconstruction(*(answers[name] for name in Reconstruction._fields))

    def _call(self, signature: str, **rows: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """All outputs of a signature for any number of rows of its one input."""
        ((name, given),) = rows.items()
        call = self._signatures[signature]
        answers = [call(**{name: tf.constant(batch)}) for batch in split_rows(given, _BATCH_ROWS)]
        return {output: np.concatenate([answer[output].numpy() for answer in answers]) for output in OUTPUTS[signature]}


class LiveCodec(SignatureCodec):
    """A model that was just trained."""

    def __init__(self, autoencoder: "Autoencoder", statistic: AnomalyStatistic) -> None:
        served = ServedCodec(autoencoder, statistic)
        super().__init__({"encode": served.encode, "decode": served.decode, "reconstruct": served.reconstruct})


class SavedModelCodec(SignatureCodec):
    """A published version, by its directory.

    Raises:
        EvaluationError: If there is none, or it cannot be loaded, or it lacks a signature.
    """

    def __init__(self, version_dir: Path) -> None:
        self._loaded = _load(version_dir)  # its variables live as long as it is referenced
        super().__init__({name: self._loaded.signatures[name] for name in OUTPUTS})


def _load(version_dir: Path) -> Any:
    if not (version_dir / "saved_model.pb").is_file():
        raise EvaluationError(f"{version_dir} holds no saved_model.pb; give a version, such as models/digits/1")
    try:
        loaded = tf.saved_model.load(str(version_dir))
    # What TensorFlow throws at damaged files depends on where the damage lies; a LookupError where one is cut short.
    except (OSError, ValueError, RuntimeError, LookupError, tf.errors.OpError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise EvaluationError(f"{version_dir} cannot be loaded: {first}") from error
    missing = sorted(OUTPUTS.keys() - loaded.signatures.keys())
    if missing:
        raise EvaluationError(f"{version_dir} has signatures {sorted(loaded.signatures)}, it lacks {missing}")
    return loaded
