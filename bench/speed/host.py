"""Runs an ASGI application as uvicorn does where uvloop and httptools are installed, on a socket that is open.

`python -m bench.speed.host MODULE:APP FD`
"""

import socket
import sys

import uvicorn


def main(app: str, descriptor: int) -> None:
    """Answer until SIGTERM."""
    config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="warning")
    with socket.socket(fileno=descriptor) as listener:
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
