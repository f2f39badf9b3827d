"""The client's gRPC: `requests`, `replies` and `failures` do no I/O, the other rooms do it by grpcio."""

from service.client.rpc.transport import AsyncRpcTransport, RpcTransport

__all__ = ["AsyncRpcTransport", "RpcTransport"]
