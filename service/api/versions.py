"""Which version a selector means, and what is known of it; behind a model server only that server knows all labels."""

import numpy as np

from service.codec import Codec
from service.domain import IMAGE_SIDE, Deadline, Encoded, Origin, Selector, VersionStatus


async def find_number(selector: Selector, codec: Codec, deadline: Deadline, origin: Origin) -> int | None:
    """The number of the version that an inference would run on; None for the newest one while none answers.

    Raises:
        NotFoundError: If there is no such label.
        DigitCodecError: What else the core says of an inference, where the label is not in the backend's own list.
    """
    listed = find_listed(selector, codec)
    if listed is None and selector.label is not None:
        return (await run_blank(selector, codec, deadline, origin)).version
    return listed


def find_listed(selector: Selector, codec: Codec) -> int | None:
    """The same by the backend's own list alone; None for a label that is not there."""
    if selector.label is not None:
        return find_labelled(selector.label, codec)
    if selector.version is not None:
        return selector.version
    return next((status.version for status in codec.describe() if status.state == "AVAILABLE"), None)


def find_labelled(label: str | None, codec: Codec) -> int | None:
    """The version that a label points at, as far as the backend's own list says; a model server may know more."""
    return next((status.version for status in codec.describe() if label in status.labels), None)


def find_status(number: int | None, codec: Codec) -> VersionStatus | None:
    """What the backend says of the version of this number, if it knows it."""
    return next((status for status in codec.describe() if status.version == number), None)


async def run_blank(selector: Selector, codec: Codec, deadline: Deadline, origin: Origin) -> Encoded:
    """Encode a blank image: the answer tells which version it was, and how wide its codes are."""
    blank = np.zeros((1, IMAGE_SIDE, IMAGE_SIDE), np.uint8)
    return await codec.encode(blank, selector, deadline, origin=origin)
