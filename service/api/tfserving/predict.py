"""What Predict does, over gRPC and REST alike: runs rows on the core."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.api.context import DoorContext
from service.api.exchange import Exchange
from service.api.tfserving.spec import Spec, absence_in_words
from service.domain import Answer, Deadline, Rows, Signature


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks: what a request is about beside its rows.

    Attributes:
        spec: The model and version.
        deadline: When its caller's time is up.
        exchange: Takes note of rows and version.
    """

    spec: Spec
    deadline: Deadline
    exchange: Exchange


async def predict(context: DoorContext, ask: Ask, signature: Signature, outputs: Sequence[str], rows: Rows) -> Answer:
    """Run the rows.

    Raises:
        DigitCodecError: As `Codec.predict`; of absent versions as TensorFlow Serving says it.
    """
    ask.exchange.rows = len(rows)
    with absence_in_words(ask.spec, context.codec):
        answer = await context.codec.predict(
            signature, outputs, rows, ask.spec.selector, ask.deadline, origin=ask.exchange.origin
        )
    ask.exchange.version = answer.version
    return answer
