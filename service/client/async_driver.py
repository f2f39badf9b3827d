"""Does what conversations say, on an event loop; a set has a task for each request that is under way."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, TypeVar, cast

from service.client.asks import Ask
from service.client.conversation import Conversation, Send, Talk, Wait, Work
from service.client.errors import ClientError
from service.client.sets import Begin, End, Fetch, Hand, Open, Put, SetConversation, SetStep, Take
from service.client.transports import AsyncStream, AsyncStreamTransport, AsyncTransport

T = TypeVar("T")


async def hold(conversation: Conversation[T], transport: AsyncTransport) -> T:
    """Do what the conversation of a call says, to its end: its answer. Any number of tasks may do that.

    Raises:
        ClientError: What the call ended with.
    """
    talk = Talk(conversation)
    while (step := talk.step) is not None:
        try:
            result = await _do(step, transport)
        except ClientError as error:
            talk.fail(error)
        else:
            talk.tell(result)
    return talk.answer


async def _do(step: Any, transport: AsyncTransport) -> Any:
    match step:
        case Send():
            return await transport.send(step)
        case Wait():
            return await asyncio.sleep(step.seconds)
        case Work():
            return await asyncio.to_thread(step.call)
        case _:
            raise TypeError(f"a conversation cannot say {step!r}")


class SetRun:
    """One set."""

    def __init__(self, transport: AsyncTransport, asks: AsyncIterator[Ask]) -> None:
        """Prepare.

        Args:
            transport: Sends requests.
            asks: The requests of the set.
        """
        self._transport = transport
        self._asks = asks
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stream: AsyncStream | None = None

    async def run(self, conversation: SetConversation) -> AsyncGenerator[Any, None]:
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
                    await self._go_on(talk, step)
        finally:
            self._close_stream()
            await self._end_tasks()

    async def _go_on(self, talk: Talk[None], step: SetStep) -> None:
        """Do a step, and tell what came of it."""
        try:
            result = await self._do(step)
        except ClientError as error:
            talk.fail(error)
        else:
            talk.tell(result)

    async def _do(self, step: SetStep) -> Any:
        match step:
            case Fetch():
                return await anext(self._asks, None)
            case Begin():
                return self._begin(step)
            case End():
                return await self._end(step)
            case Open() | Put() | Take():
                return await self._do_on_stream(step)
            case _:
                return await _do(step, self._transport)

    async def _do_on_stream(self, step: Open | Put | Take) -> Any:
        match step:
            case Open():
                return self._renew_stream()
            case Put():
                return step.stream.put(step.ask)
            case Take():
                return await step.stream.take(step.ask, step.timeout_s)

    def _begin(self, step: Begin) -> asyncio.Task[Any]:
        task = asyncio.create_task(hold(step.conversation, self._transport))
        self._tasks.add(task)
        return task

    async def _end(self, step: End) -> Any:
        result = await step.handle
        # One that failed stays, as those that nobody asked: asyncio reports failures at which nobody has looked.
        self._tasks.discard(step.handle)
        return result

    async def _end_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _renew_stream(self) -> AsyncStream:
        self._close_stream()
        self._stream = cast("AsyncStreamTransport", self._transport).open_stream()
        return self._stream

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
