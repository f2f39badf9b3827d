"""Methods that do not exist: who has no key is not told which those are."""

from typing import Any

import grpc
from google.protobuf.message import Message

from service.api.context import DoorContext
from service.api.grpc.calls import RpcContext
from service.api.grpc.frame import read_metadata, refuse
from service.errors import UnauthenticatedError


class _Unknown(grpc.GenericRpcHandler):
    """Answers what nobody else does."""

    def __init__(self, context: DoorContext) -> None:
        self._context = context
        self._handler: Any = grpc.stream_unary_rpc_method_handler(self._answer)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:  # noqa: ARG002 - a `GenericRpcHandler`
        return self._handler

    async def _answer(self, _: object, rpc: RpcContext) -> Message:
        try:
            self._context.identify(read_metadata(rpc))
        except UnauthenticatedError as error:
            return await refuse(rpc, error)
        return await rpc.abort(grpc.StatusCode.UNIMPLEMENTED, "there is no such method")


def refuse_unknown(server: grpc.aio.Server, context: DoorContext) -> None:
    """Let the server answer every method that none of the services added before has."""
    server.add_generic_rpc_handlers((_Unknown(context),))
