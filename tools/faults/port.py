"""A camera's port on the loopback interface."""

import asyncio
import socket

from tools.faults.camera import Device
from tools.faults.rtsp import Session

HOST = "127.0.0.1"


class Port:
    """A camera's port. It stays this camera's while nobody listens on it."""

    def __init__(self, device: Device, port: int = 0) -> None:
        self.device = device
        self._reserved = _bound(port)  # on Linux, another socket may listen on a port that is bound but not listened on
        self.number: int = self._reserved.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Accept connections."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=_bound(self.number))

    def refuse(self) -> None:
        """Refuse connections, and reset those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.device.cut()

    async def close(self) -> None:
        """Refuse for good."""
        self.refuse()
        for task in self._sessions:
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        self._reserved.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        try:
            await Session(self.device, reader, writer).run()
        finally:
            self._sessions.discard(task)


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound
