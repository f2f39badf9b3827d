"""What all doors share."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property

from service.api.exchange import Log
from service.codec import Codec
from service.domain import Deadline
from service.images import ImageLimits
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
    """

    codec: Codec
    limits: LimitSettings
    bulk: Executor
    log: Log
    make_id: Callable[[], bytes]

    @cached_property
    def image_limits(self) -> ImageLimits:
        """What the image files of a request may cost."""
        return ImageLimits(self.limits.max_image_pixels)

    def find_deadline(self, asked_s: float | None) -> Deadline:
        """When a request's time is up: what its caller asks for, cut to the limit, or the default."""
        if asked_s is None:
            asked_s = self.limits.default_timeout_s
        return Deadline.after(min(asked_s, self.limits.max_timeout_s))
