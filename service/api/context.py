"""What all doors share."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property

from service.api.exchange import Door, Exchange, Log
from service.codec import Codec
from service.domain import Deadline, Origin
from service.images import ImageLimits
from service.observability.metrics import Metrics
from service.settings import LimitSettings


@dataclass(frozen=True)
class DoorContext:
    """What the doors of one service have in common.

    Attributes:
        codec: The core.
        limits: What one request may ask for.
        bulk: Runs the parsing and rendering of large requests.
        log: Takes the canonical line of each request.
        make_id: Makes request ids.
        metrics: Take note of each request, and show all that is known.
    """

    codec: Codec
    limits: LimitSettings
    bulk: Executor
    log: Log
    make_id: Callable[[], bytes]
    metrics: Metrics

    @cached_property
    def image_limits(self) -> ImageLimits:
        """What the image files of a request may cost."""
        return ImageLimits(self.limits.max_image_pixels)

    def begin(self, door: Door, operation: str, origin: Origin) -> Exchange:
        """The exchange of a request that has come; to be written in the end, whatever happens."""
        return Exchange(door, operation, origin, self.log, self.metrics.requests)

    def find_deadline(self, asked_s: float | None) -> Deadline:
        """When a request's time is up: what its caller asks for, cut to the limit, or the default."""
        if asked_s is None:
            asked_s = self.limits.default_timeout_s
        return Deadline.after(min(asked_s, self.limits.max_timeout_s))
