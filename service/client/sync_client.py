"""The client for programs without an event loop."""

from collections.abc import Generator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from numpy.typing import NDArray

from service.client.address import Trust
from service.client.answers import Codes, Pictures, Reconstructions, Scores, ServedModel
from service.client.asker import MAX_ROWS, Asker
from service.client.asks import DEFAULT_THRESHOLD, ImageOptions, Options
from service.client.conversation import Conversation
from service.client.images import ImagesLike
from service.client.progress import open_bar
from service.client.retries import Retries
from service.client.set_asker import SetOptions, SetPlan, plan_set
from service.client.sync_driver import SetRun, hold
from service.client.transports import build_transport

T = TypeVar("T")


class Client:
    """Talks to one service; threads may share it. Close it, or use it in a `with` block.

    All methods raise ClientError: see `service.client.errors`. The options that they share are `version`, `label`,
    `timeout_s` and, where images come, `preprocess` and `include_normalised`: see `service.client.asks`.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout_s: float = 30.0,
        retries: Retries | None = None,
        ca: str | Path | None = None,
        cert: tuple[str | Path, str | Path] | None = None,
        max_rows: int = MAX_ROWS,
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            url: `http://host:port`, `https://...`, `grpc://host:port` or `grpcs://...`.
            key: What the service knows the caller by.
            timeout_s: Seconds for each request with all its attempts; the service cuts more than its own limit.
            retries: How failed requests are tried again; by default as `Retries` says.
            ca: PEM file of the authorities that the service's certificate is checked by; the system's by default.
            cert: PEM files of the client's own certificate and private key.
            max_rows: Most images or codes of one request; larger sets are cut. The service's own limit by default.

        Raises:
            ValueError: If the address is none, or a number is not above 0.
            OSError: If a file of TLS cannot be read.
        """
        self._asker = Asker(url, timeout_s, retries or Retries(), max_rows)
        self._transport = build_transport(self._asker.address, key, Trust(ca, cert))

    def encode(self, images: ImagesLike, **options: Unpack[ImageOptions]) -> Codes:
        """The codes of one image or many."""
        return self._hold(self._asker.encode(images, **options))

    def decode(self, codes: Codes | NDArray[Any], **options: Unpack[Options]) -> Pictures:
        """The pictures of codes (code_dim,) or (n, code_dim).

        What `encode` answered is decoded by the version that made it, unless another is named.
        """
        return self._hold(self._asker.decode(codes, **options))

    def reconstruct(
        self, images: ImagesLike, threshold: float = DEFAULT_THRESHOLD, **options: Unpack[ImageOptions]
    ) -> Reconstructions:
        """Cleaned pictures of one image or many, and how strange they are."""
        return self._hold(self._asker.reconstruct(images, threshold, **options))

    def score(
        self, images: ImagesLike, threshold: float = DEFAULT_THRESHOLD, **options: Unpack[ImageOptions]
    ) -> Scores:
        """How strange one image or many are; cheaper than `reconstruct`, for no pictures come back."""
        return self._hold(self._asker.score(images, threshold, **options))

    def encode_many(self, images: ImagesLike, **options: Unpack[SetOptions]) -> Generator[Codes, None, None]:
        """The codes of a set of any size, a batch at a time and in order.

        Images are taken from the set only as answers are taken from the iterator: `in_flight` batches are ahead at
        most. To stop early, leave the loop. Each batch has the version that answered it; name one to have one.
        """
        return self._run(plan_set(self._asker, "encode", images, options), images)

    def score_many(
        self, images: ImagesLike, threshold: float = DEFAULT_THRESHOLD, **options: Unpack[SetOptions]
    ) -> Generator[Scores, None, None]:
        """How strange the images of a set are; see `encode_many`."""
        return self._run(plan_set(self._asker, "score", images, options, threshold), images)

    def reconstruct_many(
        self, images: ImagesLike, threshold: float = DEFAULT_THRESHOLD, **options: Unpack[SetOptions]
    ) -> Generator[Reconstructions, None, None]:
        """Cleaned pictures of a set, and how strange its images are; see `encode_many`. Over gRPC by a stream."""
        return self._run(plan_set(self._asker, "reconstruct", images, options, threshold), images)

    def models(self) -> tuple[ServedModel, ...]:
        """The models of the service and their versions."""
        return self._hold(self._asker.list_models())

    def is_ready(self) -> bool:
        """True if the service says that it would answer now; False also if it cannot be reached."""
        return self._hold(self._asker.is_ready())

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _hold(self, conversation: Conversation[T]) -> T:
        return hold(conversation, self._transport)

    def _run(self, plan: SetPlan, images: ImagesLike) -> Generator[Any, None, None]:
        run = SetRun(self._transport, plan.read_asks(images), plan.in_flight)
        with open_bar(plan.total, is_wanted=plan.shows_progress) as advance:
            for answer in run.run(plan.conversation):
                advance(len(answer))
                yield answer
