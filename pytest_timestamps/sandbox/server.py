"""A running sandbox: the application behind a loopback port, in a thread of this process."""

from __future__ import annotations

import ipaddress
import socket
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pytest_timestamps.errors import ArgumentError, SandboxError

from .accounts import ApiKey
from .clock import SandboxClock
from .core import SandboxCore
from .faults import FaultPlan
from .ledger import ServedCall

if TYPE_CHECKING:
    from .serving import StoppableServer

__all__ = ["Sandbox"]

_STOP_TIMEOUT_S = 30.0


class Sandbox:
    """An offline, OpenAI-compatible server for trying and testing.

        with Sandbox() as sandbox:
            client = OpenAI(base_url=sandbox.base_url, api_key=sandbox.api_key.value)

    It binds to a loopback address only; port 0 is a free one. `clock`, `faults`, `core.books`
    and `core.accounts` may be used at any time, and `served` answers what was really charged.
    """

    def __init__(
        self, *, clock: SandboxClock | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        _require_loopback(host)
        self.core = SandboxCore(clock)
        self.api_key: ApiKey = self.core.accounts.create_key("Sandbox key")
        self._host = host
        self._wanted_port = port
        self._port: int | None = None
        self._server: StoppableServer | None = None
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def clock(self) -> SandboxClock:
        """The sandbox's clock."""
        return self.core.clock

    @property
    def faults(self) -> FaultPlan:
        """The faults that are still to happen."""
        return self.core.faults

    @property
    def admin_key(self) -> str:
        """The key for the organization endpoints."""
        return self.core.accounts.admin_key

    @property
    def base_url(self) -> str:
        """The API's root, to be given to the SDK."""
        return f"{self.root_url}/v1"

    @property
    def root_url(self) -> str:
        """The server's root, below which ``/sandbox`` is the control endpoint."""
        if self._port is None:
            raise SandboxError(
                "the sandbox has no address yet: expected it to be running; "
                "call start() or use it in a with block"
            )
        shown = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{shown}:{self._port}"

    def served(
        self,
        *,
        api_key_id: str | None = None,
        tag: str | None = None,
        model: str | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
    ) -> tuple[ServedCall, ...]:
        """The calls that were charged, filtered by everything given."""
        return self.core.ledger.calls(
            api_key_id=api_key_id, tag=tag, model=model, start_s=start_s, end_s=end_s
        )

    def bind(self) -> None:
        """Take the port: from now on there is an address, and early callers wait in a queue."""
        self._server, self._listener = self._prepare()
        self._port = self._listener.getsockname()[1]

    def start(self) -> Self:
        """Take the port and serve it from a thread."""
        self.bind()
        self._thread = threading.Thread(target=self.serve_forever, name="sandbox", daemon=True)
        self._thread.start()
        return self

    def serve_forever(self) -> None:
        """Serve the bound port from this thread until interrupted or stopped."""
        if self._server is not None and self._listener is not None:
            self._server.run([self._listener])

    def stop(self) -> None:
        """Stop serving, cut what is still open, free the port."""
        if self._server is not None:
            self._server.stop()
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT_S)
        if self._listener is not None:
            self._listener.close()
        self._server = self._listener = self._thread = self._port = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _prepare(self) -> tuple[StoppableServer, socket.socket]:
        """A server and the socket that it will serve."""
        try:
            from .app import sandbox_app
            from .serving import StoppableServer
        except ModuleNotFoundError as error:
            raise SandboxError(
                f"the sandbox needs {error.name}, which is not installed; "
                "try: pip install 'pytest-timestamps-tokens[sandbox]'"
            ) from error
        return StoppableServer(sandbox_app(self.core)), self._listen()

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # The protocol is named because asyncio sets TCP_NODELAY only where it is: without it,
        # small answers wait 40 ms for the caller's acknowledgement.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.bind((self._host, self._wanted_port))
            listener.listen(2048)
        except OSError as error:
            listener.close()
            raise SandboxError(
                f"the sandbox can't listen on {self._host} port {self._wanted_port}: "
                f"{error.strerror}; expected a free port: try --port 0, which takes any"
            ) from error
        return listener


def _require_loopback(host: str) -> None:
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ArgumentError(
            f"the sandbox binds to a loopback address only, got {host!r}: "
            "expected 127.0.0.1, ::1 or localhost"
        )
