"""The calls of both clients, as conversations: what is asked, and which requests that takes."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Unpack, cast

from numpy.typing import NDArray

from service.client.address import parse_address
from service.client.answers import Codes, Pictures, Reconstructions, Scores, ServedModel
from service.client.asks import DEFAULT_THRESHOLD, Ask, ImageOptions, Load, Operation, Options
from service.client.conversation import Conversation, Manner, send_all, send_patiently
from service.client.errors import NotReadyError, UnreachableError
from service.client.images import Gatherer, ImagesLike, read_codes, read_loads, reads_files
from service.client.retries import Retries, RetryBudget
from service.domain import Selector

MAX_ROWS = 4096
"""The service's limit for a request unless it is told otherwise; where it is lower, requests are halved."""

_ONCE = Retries(max_attempts=1)


class Asker:
    """Begins the conversations of one client.

    Attributes:
        address: Where the service is.
    """

    def __init__(self, url: str, timeout_s: float, retries: Retries, max_rows: int) -> None:
        """Prepare.

        Raises:
            ValueError: If the address is none, or a number is not above 0.
        """
        if not timeout_s > 0 or max_rows < 1:
            raise ValueError(f"timeout_s is {timeout_s} and max_rows {max_rows}, expected numbers above 0")
        self.address = parse_address(url)
        self._max_rows = max_rows
        self._manner = Manner(timeout_s, retries, RetryBudget(retries))

    def encode(self, images: ImagesLike, **options: Unpack[ImageOptions]) -> Conversation[Codes]:
        """The codes of images."""
        return self._ask_images(build_ask("encode", options), images, options)

    def decode(self, codes: Codes | NDArray[Any], **options: Unpack[Options]) -> Conversation[Pictures]:
        """The pictures of codes; those of an answer by the version that made them, unless another is named."""
        if isinstance(codes, Codes):
            if options.get("version") is None and options.get("label") is None:
                options = {**options, "version": codes.model.version}
            codes = codes.codes
        asks = number_asks(build_ask("decode", options), read_codes(codes, self._max_rows))
        return send_all(asks, self.find_manner(options))

    def score(self, images: ImagesLike, threshold: float, **options: Unpack[ImageOptions]) -> Conversation[Scores]:
        """How strange images are."""
        return self._ask_images(build_ask("score", options, threshold), images, options)

    def reconstruct(
        self, images: ImagesLike, threshold: float, **options: Unpack[ImageOptions]
    ) -> Conversation[Reconstructions]:
        """Cleaned pictures of images, and how strange they are."""
        return self._ask_images(build_ask("reconstruct", options, threshold), images, options)

    def list_models(self) -> Conversation[tuple[ServedModel, ...]]:
        """What is served."""
        return cast("Conversation[tuple[ServedModel, ...]]", send_patiently(Ask("models"), self._manner))

    def is_ready(self) -> Conversation[bool]:
        """True if the service says that it would answer; asked once."""
        manner = replace(self._manner, retries=_ONCE, budget=RetryBudget(_ONCE))
        try:
            return bool((yield from send_patiently(Ask("ready"), manner)))
        except (NotReadyError, UnreachableError):
            return False

    def find_manner(self, options: Options) -> Manner:
        """How the asks of a call are gone after."""
        timeout_s = options.get("timeout_s")
        return self._manner if timeout_s is None else replace(self._manner, timeout_s=timeout_s)

    def _ask_images(self, ask: Ask, images: ImagesLike, options: ImageOptions) -> Conversation[Any]:
        loads = read_loads(images, Gatherer(ask.preprocess, self._max_rows))
        return send_all(number_asks(ask, loads), self.find_manner(options), reads_files=reads_files(images))


def build_ask(operation: Operation, options: ImageOptions | Options, threshold: float = DEFAULT_THRESHOLD) -> Ask:
    """The ask of a call, without rows.

    Raises:
        ValueError: If both a version and a label are named.
    """
    version, label = options.get("version"), options.get("label")
    if version is not None and label is not None:
        raise ValueError(f"version is {version} and label {label!r}, at most one of them selects the model version")
    of_images: ImageOptions = {} if operation == "decode" else cast("ImageOptions", options)
    return Ask(
        operation,
        selector=Selector(version, label),
        preprocess=of_images.get("preprocess", "strict"),
        threshold=threshold,
        include_normalised=of_images.get("include_normalised", False),
    )


def number_asks(ask: Ask, loads: Iterable[Load]) -> Iterator[Ask]:
    """The ask with each load; each knows which rows of all it has."""
    first_row = 0
    for load in loads:
        yield replace(ask, load=load, first_row=first_row)
        first_row += len(load)
