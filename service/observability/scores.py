"""What the model says of the images that come, so that a drift of the images shows as a shift."""

import numpy as np
from prometheus_client import CollectorRegistry, Counter

from service.domain import Flags, Floats
from service.observability.histogram import ArrayHistogram

# Scores of normal digits are spread evenly: a tenth of them lies in each tenth. Thresholds are near the end.
_SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)
# The default model's mean is 0.003 on clean digits.
_ERRORS = (0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.008, 0.012, 0.02, 0.04, 0.08, 0.16)


class ScoreMetrics:
    """Distributions of scores and errors, and the number of anomalies."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the metrics."""
        self._scores = ArrayHistogram(
            "digitcodec_anomaly_score", "Anomaly scores of images.", registry=registry, buckets=_SCORES
        )
        self._errors = ArrayHistogram(
            "digitcodec_reconstruction_error", "Reconstruction errors of images.", registry=registry, buckets=_ERRORS
        )
        self._anomalies = Counter(
            "digitcodec_anomalies", "Images whose score was above the threshold of their request.", registry=registry
        )

    def note(self, errors: Floats, anomaly_scores: Floats, anomalies: Flags) -> None:
        """What one request's images were answered; implements `service.codec.ScoreObserver`."""
        self._errors.observe_all(errors)
        self._scores.observe_all(anomaly_scores)
        if count := np.count_nonzero(anomalies):
            self._anomalies.inc(int(count))
