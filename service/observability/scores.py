"""What the model says of the images that come, so that a drift of the images shows as a shift."""

import numpy as np
from prometheus_client import CollectorRegistry, Counter

from service.domain import Flags, Floats
from service.observability.buffers import Buffers
from service.observability.histogram import ArrayHistogram

# Scores of normal digits are spread evenly: a tenth of them lies in each tenth. Thresholds are near the end.
_SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)
# The default model's mean is 0.003 on clean digits.
_ERRORS = (0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.008, 0.012, 0.02, 0.04, 0.08, 0.16)


# Longer arrays are handed on at once: to keep them would take memory.
_MANY_ROWS = 64


class ScoreMetrics:
    """Distributions of scores and errors, and the number of anomalies."""

    def __init__(self, registry: CollectorRegistry, buffers: Buffers) -> None:
        """Register the metrics; what they count is kept in the buffers first."""
        scores = ArrayHistogram(
            "digitcodec_anomaly_score", "Anomaly scores of images.", registry=registry, buckets=_SCORES
        )
        errors = ArrayHistogram(
            "digitcodec_reconstruction_error", "Reconstruction errors of images.", registry=registry, buckets=_ERRORS
        )
        anomalies = Counter(
            "digitcodec_anomalies", "Images whose score was above the threshold of their request.", registry=registry
        )
        self._scores = buffers.make(scores.observe_arrays)
        self._errors = buffers.make(errors.observe_arrays)
        self._anomalies = buffers.add_up(anomalies)

    def note(self, errors: Floats, anomaly_scores: Floats, anomalies: Flags) -> None:
        """What one request's images were answered; implements `service.codec.ScoreObserver`."""
        self._errors.note(errors)
        self._scores.note(anomaly_scores)
        if count := np.count_nonzero(anomalies):
            self._anomalies.note(int(count))
        if len(errors) > _MANY_ROWS:
            self._errors.flush()
            self._scores.flush()
