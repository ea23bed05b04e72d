"""uvicorn, set up for the sandbox: quiet, without a lifespan, and stopped at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

__all__ = ["StoppableServer"]

_ROUNDS_TO_ANNOUNCE = 5


class StoppableServer(uvicorn.Server):
    """A server that another thread, or Ctrl+C, stops without a wait.

    The usual one looks for its stop signal ten times a second and gives open connections time;
    a test suite that starts hundreds of sandboxes can spare neither.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                # h11 is what the faults that cut connections were written against.
                http="h11",
                lifespan="off",
                log_config=None,
                # Faults on demand would be logged as defects of the application.
                log_level="critical",
                access_log=False,
            )
        )
        self._lock = threading.Lock()
        self._is_stopped = False
        self._wake_up: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """Make `run` return soon, even where it has not begun."""
        with self._lock:
            self._is_stopped = True
            if self._loop is not None and self._wake_up is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._wake_up.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop on a signal."""
        super().handle_exit(sig, frame)
        if self._loop is not None and self._wake_up is not None:
            self._loop.call_soon_threadsafe(self._wake_up.set)

    async def main_loop(self) -> None:
        """Wait for the stop signal."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._wake_up = asyncio.Event()
            if self._is_stopped:
                return
        await self._wake_up.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cut what is open and end what is running."""
        self._accept_no_more()
        # A connection that has just been accepted is announced to the server a little later, and
        # one whose listener is closed meanwhile would stay open without an owner (CPython 3.11).
        for _ in range(_ROUNDS_TO_ANNOUNCE):
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        tasks = tuple(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept_no_more(self) -> None:
        loop = asyncio.get_running_loop()
        for listener in (sock for server in self.servers for sock in server.sockets):
            # Windows' loop can't stop listening to a socket that it doesn't close.
            with contextlib.suppress(NotImplementedError):
                loop.remove_reader(listener.fileno())
