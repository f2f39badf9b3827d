"""The one version that a request for metadata means."""

import numpy as np

from service.api.context import DoorContext
from service.api.tfserving.predict import Errand
from service.api.tfserving.spec import absence_in_words, find_labelled
from service.codec import Codec
from service.domain import IMAGE_SIDE, VersionStatus
from service.errors import NotReadyError


async def find_version(context: DoorContext, errand: Errand) -> VersionStatus:
    """The version, which can answer.

    Raises:
        UnlistedError: If there is no such label.
        NotFoundError: If there is no such version.
        NotReadyError: If it, or the first one at all, is still being loaded.
    """
    number = await _find_number(context, errand)
    statuses = context.codec.describe()
    if number is None:
        number = next((status.version for status in statuses if status.state == "AVAILABLE"), None)
    found = next((status for status in statuses if status.version == number), None)
    if found is not None and found.state == "AVAILABLE":
        return found
    may_come = found.state == "LOADING" if found is not None else number is None or not statuses
    if may_come:
        raise NotReadyError(f"the version of {context.codec.model_name} that was asked for is not loaded yet")
    raise errand.spec.describe_absence(number)


async def _find_number(context: DoorContext, errand: Errand) -> int | None:
    spec = errand.spec
    if spec.label is None:
        return spec.version
    labelled = find_labelled(spec.label, context.codec)
    return await _ask_for_number(context.codec, errand) if labelled is None else labelled


async def _ask_for_number(codec: Codec, errand: Errand) -> int:
    """The version that answers a blank image: behind TensorFlow Serving only that server knows all labels."""
    blank = np.zeros((1, IMAGE_SIDE, IMAGE_SIDE), np.uint8)
    with absence_in_words(errand.spec, codec):
        answer = await codec.predict(
            "encode", ("codes",), blank, errand.spec.selector, errand.deadline, origin=errand.exchange.origin
        )
    return answer.version
