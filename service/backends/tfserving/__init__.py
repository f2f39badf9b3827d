"""TensorFlow Serving over gRPC, without TensorFlow: asks a model server, and watches which versions it has."""

from service.backends.tfserving.backend import TFServingBackend
from service.certificates import UnusableCertificateError

__all__ = ["TFServingBackend", "UnusableCertificateError"]
