"""The forwarding endpoint: a loopback server with a path of its own for each run."""

from __future__ import annotations

import http.server
import secrets
import threading
from types import TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.tokens.observed.attribution import Attribution
from pytest_timestamps.tokens.observed.keyprint import KeyPrint
from pytest_timestamps.tokens.observed.origins import FORWARDING_VARIABLE
from pytest_timestamps.tokens.observed.tally import Sink

from .relay import relay

__all__ = ["Forwarder"]

DEFAULT_UPSTREAM = "https://api.openai.com/v1"


class Forwarder:
    """Passes requests on to *upstream*, the root of the provider's API, and tells the runs.

    It listens on a free loopback port. Each run has a path that nobody can guess, so that what
    comes in on it is the run's. Nothing is changed on the way, and no key is kept.
    """

    def __init__(self, upstream: str = DEFAULT_UPSTREAM) -> None:
        self._upstream = _require_http_url(upstream)
        self._runs: dict[str, Attribution] = {}
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Listen, and serve from a thread of this process."""
        self._server = _Server(self._upstream, self._runs)
        # A short poll interval, because stopping waits for the next poll.
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="forwarding", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Take no more requests; those under way are left to end by themselves."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
        self._server = self._thread = None

    def environment(self, sink: Sink, *, api_key: str | None = None) -> dict[str, str]:
        """The variables with which a program's calls pass through here and are told to *sink*.

        Python children that observe themselves leave these calls to this endpoint.
        """
        if self._server is None:
            raise ArgumentError(
                "the forwarding endpoint has no address yet: expected it to be started; "
                "call start() or use it in a with block"
            )
        path = secrets.token_urlsafe(16)
        self._runs[path] = Attribution(sink, KeyPrint.of(api_key) if api_key else None)
        address = f"127.0.0.1:{self._server.server_port}"
        return {"OPENAI_BASE_URL": f"http://{address}/{path}", FORWARDING_VARIABLE: address}

    def release(self, sink: Sink) -> None:
        """Take no more requests for *sink*: its run is over."""
        for path in [path for path, run in self._runs.items() if run.sink is sink]:
            del self._runs[path]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class _Server(http.server.ThreadingHTTPServer):
    """Serves each connection from a thread that does not outlive the process."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, upstream: SplitResult, runs: dict[str, Attribution]) -> None:
        self.upstream = upstream
        self.runs = runs
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is none of the test's business."""


class _Handler(http.server.BaseHTTPRequestHandler):
    """Finds the run that a request belongs to and has it relayed."""

    protocol_version = "HTTP/1.1"
    # Answers are written in pieces; without this each piece may wait for an acknowledgement.
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        name, slash, rest = self.path.removeprefix("/").partition("/")
        run = self.server.runs.get(name)
        if run is None:
            self.send_error(404, "No open run has this address")
            return
        relay(self, run, self.server.upstream, slash + rest)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: paths are secrets, and stderr is the test's."""


def _require_http_url(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ArgumentError(
            f"the forwarding endpoint can't pass requests on to {url!r}: expected the http or "
            f"https address of an API, such as {DEFAULT_UPSTREAM}"
        )
    return parts
