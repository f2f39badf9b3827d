"""The paths of the REST door."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from service.api.http.problems import MethodNotAllowedError
from service.errors import NotFoundError
from service.words import shorten

# Path below /v2 -> what is asked for; those of models come after the model's name and version.
_SERVER_ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "": "server-metadata",
        "health/live": "live",
        "health/ready": "ready",
        "models": "models",
        "repository/index": "index",
    }
)
_MODEL_ACTIONS: Mapping[str, str] = MappingProxyType({"": "model-metadata", "ready": "model-ready", "infer": "infer"})
_POSTED = frozenset({"index", "infer"})

PROBES = frozenset({"live", "ready", "model-ready"})
"""What machines ask for every second."""

OPEN = frozenset({"live", "ready"})
"""What the server itself is asked for by those who watch it, who have no key."""

OPEN_PATHS = frozenset({"/v2/health/live", "/v2/health/ready"})
"""The same over REST."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a path asks for.

    Attributes:
        action: What is to be done.
        model: The model's name, where the path has one.
        version: The model's version, where the path has one.
    """

    action: str
    model: str = ""
    version: str = ""

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of the path; the server leaves out the body of an answer to HEAD."""
        return ("POST",) if self.action in _POSTED else ("GET", "HEAD")


def find_route(path: str) -> Route:
    """The route of a path that begins with /v2.

    Raises:
        NotFoundError: If there is none.
    """
    segments = path.rstrip("/").split("/")[2:]
    server = _SERVER_ACTIONS.get("/".join(segments))
    if server is not None:
        return Route(server)
    if len(segments) < 2 or segments[0] != "models":
        raise _unknown(path)
    version, rest = _split_version(segments[2:])
    model = _MODEL_ACTIONS.get("/".join(rest))
    if model is None:
        raise _unknown(path)
    return Route(model, segments[1], version)


def check_method(method: str, route: Route, path: str) -> None:
    """Refuse a method that the route does not have.

    Raises:
        MethodNotAllowedError: If it does not.
    """
    if method not in route.methods:
        allow = ", ".join(route.methods)
        raise MethodNotAllowedError(f"{shorten(path)} has no method {shorten(method)}, it has {allow}", allow=allow)


def _split_version(segments: list[str]) -> tuple[str, list[str]]:
    if len(segments) > 1 and segments[0] == "versions":
        return segments[1], segments[2:]
    return "", segments


def _unknown(path: str) -> NotFoundError:
    return NotFoundError(f"there is no route {shorten(path)}")
