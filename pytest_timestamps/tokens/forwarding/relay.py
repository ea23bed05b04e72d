"""One request, passed on, and its answer, passed back as it comes."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from urllib.parse import SplitResult, urlsplit

from pytest_timestamps.tokens.observed.attribution import Attribution
from pytest_timestamps.tokens.observed.endpoints import Charge, charge_of
from pytest_timestamps.tokens.observed.exchange import AskedRequest, Exchange
from pytest_timestamps.tokens.observed.observation import Kind, Observation
from pytest_timestamps.tokens.observed.streams import AnswerWatch

__all__ = ["relay"]

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_TIMEOUT_S = 900.0
"""Longer than the SDK waits by default: giving up is the caller's business."""
_CHUNK_BYTES = 65536
_BODYLESS_STATUSES = (204, 304)


def relay(
    handler: BaseHTTPRequestHandler, run: Attribution, upstream: SplitResult, path: str
) -> None:
    """Pass the request that *handler* has read on to *path* below *upstream*, for *run*.

    Where the provider can't be reached the caller gets 502 with the reason. Where it is reached
    and breaks off, the caller's connection breaks off too.
    """
    path = upstream.path.rstrip("/") + path
    exchange = _begin(handler, run, path)
    try:
        connection = _connect(upstream)
    except OSError as error:
        exchange.settle(Observation(Kind.NOT_CHARGED))
        _answer_unreachable(handler, upstream, error)
        return
    try:
        _send(handler, connection, upstream, path)
        answer = connection.getresponse()
        _pass_back(handler, answer, exchange)
    except (OSError, http.client.HTTPException) as error:
        exchange.settle(Observation(Kind.NO_ANSWER, detail=type(error).__name__))
        _break_off(handler)
    finally:
        connection.close()


def _begin(handler: BaseHTTPRequestHandler, run: Attribution, path: str) -> Exchange:
    bare_path = path.partition("?")[0]
    charge = charge_of(handler.command, bare_path)
    headers = {name.lower(): value for name, value in handler.headers.items()}
    asked = AskedRequest(handler.command, bare_path, headers, charge)
    exchange = Exchange(asked, run)
    if charge is Charge.NONE:
        exchange.is_settled = True
    else:
        exchange.begin()
    return exchange


def _connect(upstream: SplitResult) -> http.client.HTTPConnection:
    """A connection to *upstream*, through the proxy that the environment names."""
    host, port = upstream.hostname or "", upstream.port
    proxy = urllib.request.getproxies().get(upstream.scheme)
    through = urlsplit(proxy) if proxy and not urllib.request.proxy_bypass(host) else None
    near_host, near_port = (through.hostname or "", through.port) if through else (host, port)
    connection: http.client.HTTPConnection
    if upstream.scheme == "https":
        connection = http.client.HTTPSConnection(
            near_host, near_port, timeout=_TIMEOUT_S, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(near_host, near_port, timeout=_TIMEOUT_S)
    if through:
        connection.set_tunnel(host, port)
    connection.connect()
    return connection


def _send(
    handler: BaseHTTPRequestHandler,
    connection: http.client.HTTPConnection,
    upstream: SplitResult,
    path: str,
) -> None:
    connection.putrequest(handler.command, path, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", upstream.netloc.rpartition("@")[2])
    for name, value in handler.headers.items():
        if name.lower() not in _HOP_BY_HOP:
            connection.putheader(name, value)
    is_chunked = "chunked" in handler.headers.get("transfer-encoding", "").lower()
    if is_chunked:
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders(_chunked_body(handler), encode_chunked=True)
    else:
        connection.endheaders(_sized_body(handler))


def _sized_body(handler: BaseHTTPRequestHandler) -> Iterator[bytes]:
    left = int(handler.headers.get("content-length") or 0)
    while left > 0:
        piece = handler.rfile.read(min(left, _CHUNK_BYTES))
        if not piece:
            raise ConnectionAbortedError("the caller hung up in the middle of its request")
        left -= len(piece)
        yield piece


def _chunked_body(handler: BaseHTTPRequestHandler) -> Iterator[bytes]:
    while size := int(handler.rfile.readline().partition(b";")[0], 16):
        yield handler.rfile.read(size)
        handler.rfile.readline()
    while handler.rfile.readline().strip():
        pass


def _pass_back(
    handler: BaseHTTPRequestHandler, answer: http.client.HTTPResponse, exchange: Exchange
) -> None:
    headers = {name.lower(): value for name, value in answer.getheaders()}
    has_body = handler.command != "HEAD" and answer.status not in _BODYLESS_STATUSES
    is_chunked = has_body and "content-length" not in headers
    if not exchange.settle_refused(answer.status):
        exchange.settle_elsewhere()
    watch = AnswerWatch(exchange, headers, _decoder(headers.get("content-encoding", "")))
    try:
        handler.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                handler.send_header(name, value)
        if is_chunked:
            handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in _pieces(answer) if has_body else ():
            watch.passes(piece)
            if answer.length == 0:
                # Before the last piece: once it has it the caller goes on, and the run may end.
                watch.ends()
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
        watch.ends()
        if is_chunked:
            handler.wfile.write(b"0\r\n\r\n")
    except (OSError, http.client.HTTPException) as error:
        watch.breaks(error)
        raise


def _pieces(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body in the pieces in which it arrives."""
    while piece := answer.read1(_CHUNK_BYTES):
        yield piece
    if answer.length:
        raise http.client.IncompleteRead(b"", answer.length)


def _decoder(encoding: str) -> Callable[[bytes], bytes]:
    """Decodes what the standard library can."""

    def decode(body: bytes) -> bytes:
        if encoding not in ("gzip", "deflate"):
            raise ValueError(f"can't decode {encoding}")
        # 32 on top of the window's size: find out by itself whether it is gzip or zlib.
        return zlib.decompress(body, 32 + zlib.MAX_WBITS)

    return decode


def _answer_unreachable(
    handler: BaseHTTPRequestHandler, upstream: SplitResult, error: OSError
) -> None:
    message = (
        f"pytest-timestamps' forwarding endpoint can't reach {upstream.hostname}: {error}; "
        "expected the provider's API there: check the upstream address and the network"
    )
    body = json.dumps({"error": {"message": message, "type": "forwarding_error"}}).encode()
    handler.send_response_only(502, "Bad Gateway")
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    # The request's body has not been read, so the connection can't carry another request.
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body)


def _break_off(handler: BaseHTTPRequestHandler) -> None:
    """Close the caller's connection in the middle of whatever it waits for."""
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.connection.shutdown(socket.SHUT_RDWR)
