"""Servers on their sockets until a signal comes; know nothing of what they serve."""

from service.servers.base import CannotListenError, Server
from service.servers.http import HttpServer, find_url, listen
from service.servers.rpc import RpcServer, build_rpc_server
from service.servers.until_signal import Farewell, run_until_signal, serve_until_signal

__all__ = [
    "CannotListenError",
    "Farewell",
    "HttpServer",
    "RpcServer",
    "Server",
    "build_rpc_server",
    "find_url",
    "listen",
    "run_until_signal",
    "serve_until_signal",
]
