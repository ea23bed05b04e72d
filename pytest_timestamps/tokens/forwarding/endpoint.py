"""The forwarding endpoint: a loopback server with a path of its own for each run."""

from __future__ import annotations

import http.server
import os
import secrets
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.tokens.observed.attribution import Attribution
from pytest_timestamps.tokens.observed.keyprint import KeyPrint
from pytest_timestamps.tokens.observed.origins import (
    FORWARDING_VARIABLE,
    serve_from,
    stop_serving_from,
)
from pytest_timestamps.tokens.observed.tally import Sink

from .relay import relay

__all__ = ["Forwarder"]

DEFAULT_UPSTREAM = "https://api.openai.com/v1"


_NO_PROXY_VARIABLES = ("NO_PROXY", "no_proxy")


@dataclass(frozen=True, slots=True)
class _Route:
    """Where a run's requests go, and whom they are told to."""

    run: Attribution
    upstream: SplitResult


class Forwarder:
    """Passes requests on to *upstream*, the root of the provider's API, and tells the runs.

    It listens on a free loopback port. Each run has a path that nobody can guess, so that what
    comes in on it is the run's. Nothing is changed on the way, and no key is kept.
    """

    def __init__(self, upstream: str = DEFAULT_UPSTREAM) -> None:
        self._upstream = _require_http_url(upstream)
        self._routes: dict[str, _Route] = {}
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Listen, and serve from a thread of this process."""
        self._server = _Server(self._routes)
        # A short poll interval, because stopping waits for the next poll.
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="forwarding", daemon=True
        )
        self._thread.start()
        serve_from(self._server.address)
        return self

    def stop(self) -> None:
        """Take no more requests; those under way are left to end by themselves."""
        if self._server is not None and self._thread is not None:
            stop_serving_from(self._server.address)
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
        self._server = self._thread = None

    def environment(
        self, sink: Sink, *, api_key: str | None = None, upstream: str | None = None
    ) -> dict[str, str]:
        """The variables with which a program's calls pass through here and are told to *sink*.

        They go to *upstream*, where one is given, in place of the endpoint's own. Python children
        that observe themselves leave these calls to this endpoint, and no proxy stands before it.
        """
        if self._server is None:
            raise ArgumentError(
                "the forwarding endpoint has no address yet: expected it to be started; "
                "call start() or use it in a with block"
            )
        address = self._server.address
        base_url = upstream
        if upstream is None or urlsplit(upstream).netloc != address:
            path = secrets.token_urlsafe(16)
            run = Attribution(sink, KeyPrint.of(api_key) if api_key else None)
            to = self._upstream if upstream is None else _require_http_url(upstream)
            self._routes[path] = _Route(run, to)
            base_url = f"http://{address}/{path}"
        # Asked for within what it has set up already, the address stays as it is.
        return {"OPENAI_BASE_URL": str(base_url), FORWARDING_VARIABLE: address} | _past_proxies()

    def release(self, sink: Sink) -> None:
        """Take no more requests for *sink*: its run is over."""
        for path in [path for path, route in self._routes.items() if route.run.sink is sink]:
            del self._routes[path]

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

    def __init__(self, routes: dict[str, _Route]) -> None:
        self.routes = routes
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        """Host and port, as in a URL."""
        return f"127.0.0.1:{self.server_port}"

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
        route = self.server.routes.get(name)
        if route is None:
            self.send_error(404, "No open run has this address")
            return
        relay(self, route.run, route.upstream, slash + rest)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: paths are secrets, and stderr is the test's."""


def _past_proxies() -> dict[str, str]:
    """A proxy of the environment can't reach this machine's loopback."""
    variables = {}
    for name in _NO_PROXY_VARIABLES:
        hosts = [host for host in os.environ.get(name, "").split(",") if host.strip()]
        variables[name] = ",".join(dict.fromkeys([*hosts, "127.0.0.1"]))
    return variables


def _require_http_url(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ArgumentError(
            f"the forwarding endpoint can't pass requests on to {url!r}: expected the http or "
            f"https address of an API, such as {DEFAULT_UPSTREAM}"
        )
    return parts
