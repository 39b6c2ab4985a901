"""The uvicorn server around the app, and the two things uvicorn does not do by itself.

It tells when it listens, and it lets a handler reach its own TCP connection (to break it on purpose).
"""

import asyncio
import socket
import sys
from dataclasses import replace

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.app import create_app
from sandbox.config import Config


class OpenConnection(H11Protocol):
    """HTTP over a connection whose transport handlers find as `request.state.transport`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # asyncio leaves Nagle's algorithm on for sockets it did not make, at 40 ms for each answer.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class Server(uvicorn.Server):
    """A server that prints one line when it listens, and does not wait for hanging calls when it stops."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self.address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"sandbox listening on {self.address}\n")
        sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)


def listen(config: Config) -> socket.socket:
    """Return a socket bound to the configured address; raise OSError when that is not to be had."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    return socket.create_server((config.host, config.port), family=family)


def run(config: Config, listener: socket.socket) -> None:
    """Serve on a socket from `listen` until SIGTERM or SIGINT."""
    port = listener.getsockname()[1]
    host = f"[{config.host}]" if ":" in config.host else config.host
    address = f"http://{host}:{port}"
    public_url = (config.public_url or address).rstrip("/")
    app = create_app(replace(config, port=port, public_url=public_url))
    settings = uvicorn.Config(app, http=OpenConnection, log_level="warning", access_log=False)
    Server(settings, address).run(sockets=[listener])
