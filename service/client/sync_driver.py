"""Does what conversations say, in threads; a set has one for each request that is under way."""

import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from service.client.asks import Ask
from service.client.conversation import Conversation, Send, Talk, Wait, Work
from service.client.errors import ClientError
from service.client.sets import Begin, End, Fetch, Hand, Open, Put, SetConversation, SetStep, Take
from service.client.transports import Stream, StreamTransport, Transport

T = TypeVar("T")


def hold(conversation: Conversation[T], transport: Transport) -> T:
    """Do what the conversation of a call says, to its end: its answer. Any number of threads may do that.

    Raises:
        ClientError: What the call ended with.
    """
    talk = Talk(conversation)
    while (step := talk.step) is not None:
        try:
            result = _do(step, transport)
        except ClientError as error:
            talk.fail(error)
        else:
            talk.tell(result)
    return talk.answer


def _do(step: Any, transport: Transport) -> Any:
    match step:
        case Send():
            return transport.send(step)
        case Wait():
            return time.sleep(step.seconds)
        case Work():
            return step.call()
        case _:
            raise TypeError(f"a conversation cannot say {step!r}")


class SetRun:
    """One set. Asks are fetched in the caller's thread, when it wants an answer."""

    def __init__(self, transport: Transport, asks: Iterator[Ask], in_flight: int) -> None:
        """Prepare.

        Args:
            transport: Sends requests.
            asks: The requests of the set.
            in_flight: Most of them under way.
        """
        self._transport = transport
        self._asks = asks
        self._threads = ThreadPoolExecutor(in_flight, "digitcodec-client")
        self._stream: Stream | None = None

    def run(self, conversation: SetConversation) -> Generator[Any, None, None]:
        """The answers of the set, in order; to close it ends what is under way.

        Raises:
            ClientError: What the first request that fails ended with.
        """
        talk = Talk(conversation)
        try:
            while (step := talk.step) is not None:
                if isinstance(step, Hand):
                    yield step.answer
                    talk.tell(None)
                else:
                    self._go_on(talk, step)
        finally:
            self._close_stream()
            self._threads.shutdown(cancel_futures=True)

    def _go_on(self, talk: Talk[None], step: SetStep) -> None:
        """Do a step, and tell what came of it."""
        try:
            result = self._do(step)
        except ClientError as error:
            talk.fail(error)
        else:
            talk.tell(result)

    def _do(self, step: SetStep) -> Any:
        match step:
            case Fetch():
                return next(self._asks, None)
            case Begin():
                return self._threads.submit(hold, step.conversation, self._transport)
            case End():
                return step.handle.result()
            case Open() | Put() | Take():
                return self._do_on_stream(step)
            case _:
                return _do(step, self._transport)

    def _do_on_stream(self, step: Open | Put | Take) -> Any:
        match step:
            case Open():
                return self._renew_stream()
            case Put():
                return step.stream.put(step.ask)
            case Take():
                return step.stream.take(step.ask, step.timeout_s)

    def _renew_stream(self) -> Stream:
        self._close_stream()
        self._stream = cast("StreamTransport", self._transport).open_stream()
        return self._stream

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
