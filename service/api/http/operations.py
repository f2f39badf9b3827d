"""The four operations as data: what each takes, how it runs and what it answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from service.api.http.parsing import CODE_PARSERS, IMAGE_PARSERS, Parser
from service.api.http.query import Options
from service.api.http.rendering import RENDERERS, Renderer, Result
from service.codec import Codec
from service.domain import Deadline, Origin, Rows

Run = Callable[[Codec, Rows, Options, Deadline, Origin], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One hot route.

    Attributes:
        name: As in the path, the log and the table of renderers.
        parameters: Query parameters that it knows.
        parsers: Parser by content type of the body.
        renderers: Renderer by content type of the answer; the first is the default.
        run: Calls the codec.
    """

    name: str
    parameters: frozenset[str]
    parsers: Mapping[str, Parser]
    renderers: Mapping[str, Renderer]
    run: Run

    @property
    def path(self) -> str:
        """Its route."""
        return f"/{self.name}"


def _encode(codec: Codec, rows: Rows, options: Options, deadline: Deadline, origin: Origin) -> Awaitable[Result]:
    return codec.encode(rows, options.selector, deadline, origin=origin)


def _decode(codec: Codec, rows: Rows, options: Options, deadline: Deadline, origin: Origin) -> Awaitable[Result]:
    return codec.decode(rows, options.selector, deadline, origin=origin)


def _reconstruct(codec: Codec, rows: Rows, options: Options, deadline: Deadline, origin: Origin) -> Awaitable[Result]:
    return codec.reconstruct(rows, options.selector, deadline, options.threshold, origin=origin)


def _score(codec: Codec, rows: Rows, options: Options, deadline: Deadline, origin: Origin) -> Awaitable[Result]:
    return codec.score(rows, options.selector, deadline, options.threshold, origin=origin)


_VERSION = frozenset({"version", "label"})
_OF_IMAGES = _VERSION | {"preprocess", "include"}
_OF_VERDICTS = _OF_IMAGES | {"threshold"}

OPERATIONS = (
    Operation("encode", _OF_IMAGES, IMAGE_PARSERS, RENDERERS["encode"], _encode),
    Operation("decode", _VERSION, CODE_PARSERS, RENDERERS["decode"], _decode),
    Operation("reconstruct", _OF_VERDICTS, IMAGE_PARSERS, RENDERERS["reconstruct"], _reconstruct),
    Operation("score", _OF_VERDICTS, IMAGE_PARSERS, RENDERERS["score"], _score),
)
