"""Measures versions on the same digits with the same seeds, and asks one for the answers that its copy must repeat."""

import logging
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.data.load import load_data, load_fashion
from training.errors import EvaluationError
from training.evaluation.codecs import SavedModelCodec
from training.evaluation.evaluate import evaluate
from training.evaluation.figures import flatten_metrics
from training.export.publish import build_probe
from training.export.verify import ContractViolationError, verify_signatures
from training.promotion.measured import Measured, Source
from training.promotion.versions import Version

_LOG = logging.getLogger(__name__)


def measure_alike(a: Version, b: Version, source: Source) -> Measured:
    """All figures of both versions on the test digits of a source.

    Args:
        a: The first version.
        b: The second version.
        source: What they are measured on.

    Raises:
        DataError: If there are no digits, or no pictures of clothes where they should be.
        EvaluationError: If a version cannot be loaded or does not keep contract one.
    """
    codecs = [open_codec(version) for version in (a, b)]  # first: a damaged one is known before minutes of measuring
    data = load_data(source.data, preprocess=source.preprocess, split=source.split)
    fashion = None if source.fashion is None else load_fashion(source.fashion)
    figures = []
    for version, codec in zip((a, b), codecs, strict=True):
        _LOG.info("measuring %s on %d test digits", version.directory, len(data.test_images))
        figures.append(dict(flatten_metrics(evaluate(codec, data, fashion))))
    return Measured(f"both versions, measured anew on {data.name}", data.sha256, len(data.test_images), *figures)


def ask_probe(version: Version) -> dict[str, NDArray[Any]]:
    """What `training.export.publish.publish_copy` wants to hear again from a copy: images and the answers to them.

    Raises:
        EvaluationError: If the version cannot be loaded or does not keep contract one.
    """
    codec, images = open_codec(version), build_probe()
    answers = {"codes": codec.encode(images), **codec.reconstruct(images)._asdict()}
    return {"images": images, "calibration_size": np.array(version.calibration_size), **answers}


def open_codec(version: Version) -> SavedModelCodec:
    """A version as a codec, with the signatures and the code width that its card promises.

    Raises:
        EvaluationError: If it cannot be loaded or has others.
    """
    codec = SavedModelCodec(version.directory)
    try:
        verify_signatures(tf.saved_model.load(str(version.directory)).signatures, version.code_dim)
    except ContractViolationError as error:
        raise EvaluationError(f"{version.directory} does not keep contract one: {error}") from error
    return codec
