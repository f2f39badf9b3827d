"""Servers on their sockets until a signal comes; know nothing of what they serve."""

from service.servers.addresses import find_url, listen
from service.servers.base import FAREWELL_S, CannotListenError, Server
from service.servers.certificate import ServerCertificate, load_certificate
from service.servers.files import raise_file_limit
from service.servers.heritage import Heritage
from service.servers.http import HttpServer
from service.servers.lifeline import Lifeline
from service.servers.reserve import reserve
from service.servers.rpc import RpcServer, build_rpc_server
from service.servers.until_signal import STOP_SIGNALS, Farewell, run_until_signal, serve_until_signal
from service.servers.workers import LEAVE, Birth, Pace, Supervisor

__all__ = [
    "FAREWELL_S",
    "LEAVE",
    "STOP_SIGNALS",
    "Birth",
    "CannotListenError",
    "Farewell",
    "Heritage",
    "HttpServer",
    "Lifeline",
    "Pace",
    "RpcServer",
    "Server",
    "ServerCertificate",
    "Supervisor",
    "build_rpc_server",
    "find_url",
    "listen",
    "load_certificate",
    "raise_file_limit",
    "reserve",
    "run_until_signal",
    "serve_until_signal",
]
