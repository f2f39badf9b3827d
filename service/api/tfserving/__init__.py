"""TensorFlow Serving's own API, gRPC and REST, over our core: its clients work unchanged, on whatever backend.

Codes and texts of its error cases are TensorFlow Serving's own (docs of that project, and its sources); what it has no
case for is answered as design.md says. Classify, Regress and MultiInference are not for this model.
"""

from service.api.tfserving.labels import Relabel
from service.api.tfserving.openapi import PATHS
from service.api.tfserving.rest import build_serving_app
from service.api.tfserving.rpc import add_serving_services

__all__ = ["PATHS", "Relabel", "add_serving_services", "build_serving_app"]
