"""The line to the model server: sends messages of its API, and can be laid anew while calls are under way."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc.aio

from service.backends.tfserving.channel import load_credentials, open_channel
from service.errors import BackendContractError, NotReadyError
from service.settings import TFServingBackendSettings
from service.wire.tensorflow_serving import GET_MODEL_METADATA, GET_MODEL_STATUS, PREDICT, Method

Metadata = Sequence[tuple[str, str]]

# Calls end at their deadlines, which limits.max_timeout_s keeps far below this.
_LONGEST_CALL_S = 3600.0


class _Line:
    """One channel, with what it takes to call each method on it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.methods: dict[str, Any] = {
            method.path: channel.unary_unary(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
            for method in (PREDICT, GET_MODEL_METADATA, GET_MODEL_STATUS)
        }


class Connection:
    """Sends one message and waits for its answer, on a channel that reconnects by itself."""

    def __init__(self, settings: TFServingBackendSettings) -> None:
        """Read the certificates, and open nothing yet.

        Raises:
            UnusableCertificateError: If one of the files cannot be used.
        """
        self._settings = settings
        self._credentials = load_credentials(settings)
        self._line: _Line | None = None
        self._retired: dict[asyncio.Task[None], grpc.aio.Channel] = {}

    def open(self) -> None:
        """Begin to connect; needs a running event loop."""
        self._line = _Line(open_channel(self._settings, self._credentials))

    def renew(self) -> None:
        """Resolve the name and connect afresh; calls under way keep the old channel until they end.

        After failures gRPC looks a name up again only every two minutes, and cannot be told to do it now.
        """
        if self._line is None:
            return
        channel = self._line.channel
        task = asyncio.get_running_loop().create_task(channel.close(_LONGEST_CALL_S))
        self._retired[task] = channel
        task.add_done_callback(lambda done: self._retired.pop(done, None))
        self.open()

    async def close(self, grace_s: float) -> None:
        """Open nothing more, let calls end, and cancel those that have not ended after `grace_s` seconds."""
        channels = [*self._retired.values(), *([self._line.channel] if self._line else [])]
        self._line = None
        retired = list(self._retired)
        for task in retired:
            task.cancel()
        await asyncio.gather(*retired, return_exceptions=True)
        await asyncio.gather(*(channel.close(grace_s) for channel in channels))

    async def ask(self, method: Method, request: Any, timeout_s: float, metadata: Metadata = ()) -> Any:
        """Call the method; to cancel the task is to cancel the call.

        Raises:
            grpc.aio.AioRpcError: If the server answers with a status, or gRPC itself does for it.
            NotReadyError: If the connection is closed, before the call or during it.
            BackendContractError: If the answer is not a message of the method's type.
        """
        if self._line is None:
            raise NotReadyError("the connection to the model server is not open")
        call = self._line.methods[method.path](request, timeout=timeout_s, metadata=metadata, wait_for_ready=False)
        try:
            response = await call
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            # `close` cancelled the call, not somebody the task.
            raise NotReadyError("the connection to the model server was closed during the call") from None
        if response is None:  # how gRPC tells that it could not parse it
            raise BackendContractError(f"the model server's answer to {method.name} is no {method.name} message")
        return response


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
