"""TensorFlow in the gateway's own process: finds versions on disk, loads, warms, runs and retires them."""

from service.backends.embedded.backend import EmbeddedBackend

__all__ = ["EmbeddedBackend"]
