"""What all doors share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from service.access import Gate, Key
from service.api.budget import ByteBudget
from service.api.bulk import BulkExecutor
from service.api.credentials import find_secret
from service.api.exchange import Door, Exchange, find_origin
from service.codec import Codec
from service.domain import Deadline, Origin
from service.images import ImageLimits
from service.observability.access_log import AccessLog
from service.observability.metrics import Metrics
from service.observability.traces import Traces
from service.settings import LimitSettings


@dataclass(frozen=True)
class DoorContext:
    """What the doors of one service have in common.

    Attributes:
        codec: The core.
        limits: What one request may ask for.
        gate: Tells who may ask.
        budget: What all requests together may hold.
        bulk: Runs the parsing and rendering of large requests.
        log: Takes the canonical line of each request.
        make_id: Makes request ids.
        metrics: Take note of each request, and show all that is known.
        traces: Take note too, where they are wanted.
        check_room: Refuses a request of so many bytes of a caller before it is read, if the queue has no place for it;
            None where nobody knows how many.
        open_metrics: Whether the metrics may be read without a key.
    """

    codec: Codec
    limits: LimitSettings
    gate: Gate
    budget: ByteBudget
    bulk: BulkExecutor
    log: AccessLog
    make_id: Callable[[], bytes]
    metrics: Metrics
    check_room: Callable[[int | None, str], None]
    traces: Traces | None = None
    open_metrics: bool = False

    @cached_property
    def image_limits(self) -> ImageLimits:
        """What the image files of a request may cost."""
        return ImageLimits(self.limits.max_image_pixels)

    def find_origin(self, headers: Mapping[bytes, bytes], address: str) -> Origin:
        """Where a request came from, by its headers or metadata; see `exchange.find_origin`."""
        return find_origin(headers, address, self.make_id)

    def begin(self, door: Door, operation: str, origin: Origin) -> Exchange:
        """The exchange of a request that has come; to be written in the end, whatever happens."""
        exchange = Exchange(door, operation, origin, self.log, self.metrics.requests)
        if self.traces is not None:
            exchange.trace(self.traces.begin_request(origin))
        return exchange

    def identify(self, headers: Mapping[bytes, bytes]) -> Key | None:
        """Whose key came with a request, or None where nobody needs one.

        Args:
            headers: Or metadata; by name in lower case.

        Raises:
            UnauthenticatedError: If a key is needed and none that is known came.
        """
        return self.gate.identify(find_secret(headers))

    def find_caller(self, headers: Mapping[bytes, bytes], origin: Origin) -> str:
        """Whose share a call takes that has no exchange yet: the name of its key, or its origin's; see `identify`."""
        key = self.identify(headers)
        return origin.caller if key is None else key.name

    def let_in(self, headers: Mapping[bytes, bytes], exchange: Exchange) -> None:
        """The same for a request whose exchange has begun, which then bears the key's name."""
        key = self.identify(headers)
        if key is not None:
            exchange.identify(key)

    def find_deadline(self, asked_s: float | None) -> Deadline:
        """When a request's time is up: what its caller asks for, cut to the limit, or the default."""
        if asked_s is None:
            asked_s = self.limits.default_timeout_s
        return Deadline.after(min(asked_s, self.limits.max_timeout_s))
