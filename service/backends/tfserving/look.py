"""One look at the model server: its versions and their states, and the signatures of those that are new."""

from collections.abc import Mapping
from typing import Any

import grpc.aio
from grpc import StatusCode

from service.backends.tfserving import signatures
from service.backends.tfserving.connection import Connection
from service.backends.tfserving.failures import describe, means_away
from service.backends.tfserving.signatures import Checked
from service.backends.tfserving.versions import Versions
from service.wire.tensorflow_serving import (
    GET_MODEL_METADATA,
    GET_MODEL_STATUS,
    GetModelMetadataRequest,
    GetModelStatusRequest,
)


class Observer:
    """Asks the server how its model is."""

    def __init__(self, connection: Connection, model_name: str, timeout_s: float) -> None:
        self._connection = connection
        self._model_name = model_name
        self._timeout_s = timeout_s

    async def look(self, versions: Versions) -> Mapping[int, Checked]:
        """Bring `versions` up to date, in one step at the end; returns what was new.

        Raises:
            grpc.aio.AioRpcError: If the server does not answer.
            BackendContractError: If it answers with something else than messages of its API.
        """
        statuses = await self._ask_statuses()
        checked = {number: await self._ask_signatures(number) for number in versions.find_unknown(statuses)}
        versions.see(statuses, checked)
        return checked

    async def _ask_statuses(self) -> Any:
        """The server's ModelVersionStatus messages; none if it does not know the model."""
        request = GetModelStatusRequest()
        request.model_spec.name = self._model_name
        try:
            return (await self._ask_twice(request)).model_version_status
        except grpc.aio.AioRpcError as failure:
            if failure.code() is not StatusCode.NOT_FOUND:
                raise
            return ()

    async def _ask_twice(self, request: Any) -> Any:
        """One of several servers may just have died and taken the first question with it."""
        try:
            return await self._connection.ask(GET_MODEL_STATUS, request, self._timeout_s)
        except grpc.aio.AioRpcError as failure:
            if not means_away(failure):
                raise
            return await self._connection.ask(GET_MODEL_STATUS, request, self._timeout_s)

    async def _ask_signatures(self, number: int) -> Checked:
        request = GetModelMetadataRequest(metadata_field=[signatures.FIELD])
        request.model_spec.name = self._model_name
        request.model_spec.version.value = number
        try:
            return signatures.check(await self._connection.ask(GET_MODEL_METADATA, request, self._timeout_s))
        except grpc.aio.AioRpcError as failure:
            if failure.code() in {StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED}:
                raise
            return Checked(unread=f"signatures cannot be read: {describe(failure)}")
