"""What Predict does, over gRPC and REST alike: runs rows on the core, and keeps large work off the event loop."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from service.api.context import DoorContext
from service.api.exchange import Exchange
from service.api.reading import INLINE_BYTES
from service.api.tfserving.spec import Spec, absence_in_words
from service.domain import Answer, Deadline, Rows, Signature

_Out = TypeVar("_Out")


@dataclass(frozen=True, slots=True)
class Errand:
    """Who asks: what a request is about beside its rows.

    Attributes:
        spec: The model and version.
        deadline: When its caller's time is up.
        exchange: Takes note of rows and version.
    """

    spec: Spec
    deadline: Deadline
    exchange: Exchange


async def predict(
    context: DoorContext, errand: Errand, signature: Signature, outputs: Sequence[str], rows: Rows
) -> Answer:
    """Run the rows.

    Raises:
        DigitCodecError: As `Codec.predict`; of absent versions as TensorFlow Serving says it.
    """
    errand.exchange.rows = len(rows)
    with absence_in_words(errand.spec, context.codec):
        answer = await context.codec.predict(
            signature, outputs, rows, errand.spec.selector, errand.deadline, origin=errand.exchange.origin
        )
    errand.exchange.version = answer.version
    return answer


async def read(parse: Callable[[], _Out], size_bytes: int, context: DoorContext) -> _Out:
    """Parse what came: here if that is quick, else on the bulk executor."""
    if size_bytes <= INLINE_BYTES:
        return parse()
    return await asyncio.get_running_loop().run_in_executor(context.bulk, parse)
