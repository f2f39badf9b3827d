"""The Open Inference Protocol, version 2, over REST and gRPC: it only translates."""

from service.api.inference.openapi import PATHS
from service.api.inference.rest import build_inference_app
from service.api.inference.rpc import add_inference_service

__all__ = ["PATHS", "add_inference_service", "build_inference_app"]
