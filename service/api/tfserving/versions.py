"""The one version that a request for metadata means."""

from service.api.context import DoorContext
from service.api.tfserving.predict import Ask
from service.api.tfserving.spec import absence_in_words
from service.api.versions import find_number, find_status
from service.domain import VersionStatus
from service.errors import NotReadyError


async def find_version(context: DoorContext, ask: Ask) -> VersionStatus:
    """The version, which can answer.

    Raises:
        UnlistedError: If there is no such label.
        NotFoundError: If there is no such version.
        NotReadyError: If it, or the first one at all, is still being loaded.
    """
    codec = context.codec
    with absence_in_words(ask.spec, codec):
        number = await find_number(ask.spec.selector, codec, ask.deadline, ask.exchange.origin)
    found = find_status(number, codec)
    if found is not None and found.state == "AVAILABLE":
        return found
    may_come = found.state == "LOADING" if found is not None else number is None or not codec.describe()
    if may_come:
        reason = codec.explain() or f"the version of {codec.model_name} that was asked for is not loaded yet"
        raise NotReadyError(reason)
    raise ask.spec.describe_absence(number)
