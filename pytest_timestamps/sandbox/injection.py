"""Faults at the wire: an ASGI layer that spoils the answer of the application below it."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .answering import error_answer
from .faults import Fault, FaultKind, FaultPlan

__all__ = ["FaultInjection"]

_GOOD_CHUNKS_BEFORE_BREAK = 2
_PAGE = "<html><body><h1>Sandbox</h1><p>A page where JSON was expected.</p></body></html>"


class FaultInjection:
    """Takes a planned fault for each request of the API and makes it happen.

    The control endpoint is spared. A fault that the application itself makes (zeros, a cursor
    that repeats, an answer without usage) is passed to it in the scope as ``sandbox_fault``.
    """

    def __init__(self, app: ASGIApp, faults: FaultPlan) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, spoiled or not."""
        if scope["type"] != "http" or scope["path"].startswith("/sandbox/"):
            await self._app(scope, receive, send)
            return
        fault = self._faults.take(scope["path"])
        scope["sandbox_fault"] = fault
        refusal = _refusal(fault) if fault is not None else None
        if refusal is not None:
            await refusal(scope, receive, send)
        elif fault is not None and fault.kind in _SPOILERS:
            await _SPOILERS[fault.kind](self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _refusal(fault: Fault) -> Response | None:
    """The whole answer, for faults that come in place of one."""
    if fault.kind is FaultKind.RATE_LIMITED:
        return error_answer(
            429,
            "Rate limit reached in the sandbox.",
            code="rate_limit_exceeded",
            kind="requests",
            headers={"retry-after": f"{fault.retry_after_s:g}"},
        )
    if fault.kind is FaultKind.SERVER_ERROR:
        return error_answer(500, "The sandbox had an error on demand.", kind="server_error")
    if fault.kind is FaultKind.UNAUTHORIZED:
        return error_answer(401, "Incorrect API key provided.", code="invalid_api_key")
    if fault.kind is FaultKind.FORBIDDEN:
        return error_answer(403, "You have insufficient permissions.", code="missing_scope")
    if fault.kind in (FaultKind.HTML, FaultKind.BAD_GATEWAY):
        return HTMLResponse(_PAGE, status_code=200 if fault.kind is FaultKind.HTML else 502)
    return None


async def _hang(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Let the application serve the request, keep its answer, wait until the caller has gone."""
    await app(scope, receive, _drop)
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reset(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Let the application serve the request, then cut the connection without a word."""
    await app(scope, receive, _drop)
    _transport_of(send).abort()


async def _break_stream(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Pass on the first chunks of the answer, then close the connection."""
    sent_chunks = 0

    async def send_first(message: Message) -> None:
        nonlocal sent_chunks
        if message["type"] == "http.response.start":
            await send(message)
        elif sent_chunks < _GOOD_CHUNKS_BEFORE_BREAK and message.get("more_body"):
            sent_chunks += 1
            await send(message)

    await app(scope, receive, send_first)
    _transport_of(send).close()


async def _truncate(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the first half of the body, under a length that fits it."""
    kept: list[Message] = []

    async def keep(message: Message) -> None:
        kept.append(message)

    await app(scope, receive, keep)
    body = b"".join(message.get("body", b"") for message in kept)
    half = Response(body[: len(body) // 2], media_type="application/json")
    await half(scope, receive, send)


async def _drop(message: Message) -> None:
    """Take a part of an answer and send nothing."""


def _transport_of(send: Send) -> asyncio.Transport:
    """The connection below *send*, which is a method of uvicorn's request cycle."""
    cycle: Any = getattr(send, "__self__", None)
    transport: asyncio.Transport = cycle.transport
    return transport


_SPOILERS = {
    FaultKind.HANG: _hang,
    FaultKind.RESET: _reset,
    FaultKind.BROKEN_STREAM: _break_stream,
    FaultKind.TRUNCATED_JSON: _truncate,
}
