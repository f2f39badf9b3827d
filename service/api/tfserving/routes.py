"""Paths of TensorFlow Serving's REST API -> what is asked for, of which version."""

import re
from dataclasses import dataclass

from service.api.http.metrics import TF_SERVING_METRICS_PATH
from service.api.tfserving.spec import Spec
from service.api.tfserving.words import MISSING_NAME_IN_PATH, malformed_path
from service.errors import MalformedRequestError

# As model_servers/http_rest_api_util.cc has them; there too the case of everything but the names is free.
_FLAGS = re.ASCII | re.IGNORECASE
_VERSION = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_POST = re.compile(rf"/v1/models/(?P<name>[^/:]+){_VERSION}:(?P<operation>classify|regress|predict)", _FLAGS)
_GET = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?:/(?P<operation>metadata))?", _FLAGS)
_PATTERNS = {"POST": _POST, "GET": _GET}
_METRICS = ("GET", TF_SERVING_METRICS_PATH)

PROBES = frozenset({"status", "metrics"})
"""What a gateway or Prometheus asks for every few seconds."""

_MAX_VERSION = 2**63 - 1
_MAX_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes.

    Attributes:
        operation: predict, classify, regress, metadata, status or metrics.
        spec: The model and version.
    """

    operation: str
    spec: Spec


def find_route(method: str, path: str) -> Route:
    """Where a request goes.

    Args:
        method: In upper case.
        path: Decoded.

    Raises:
        MalformedRequestError: If nothing is there, or the path names no model or no possible version.
    """
    if (method, path) == _METRICS:
        return Route("metrics", Spec(""))
    pattern = _PATTERNS.get(method)
    match = pattern.fullmatch(path) if pattern else None
    if match is None:
        raise malformed_path(method, path)
    if match["name"] is None:
        raise MalformedRequestError(MISSING_NAME_IN_PATH)
    spec = Spec(match["name"], _parse_version(match["version"]), match["label"])
    return Route((match["operation"] or "status").lower(), spec)


def _parse_version(digits: str | None) -> int | None:
    if digits is None:
        return None
    if len(digits) > _MAX_DIGITS or int(digits) > _MAX_VERSION:
        raise MalformedRequestError(f"Failed to convert version: {digits} to numeric.")
    return int(digits)
