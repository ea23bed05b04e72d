"""Where observation takes place: the ``send`` method of the HTTP library's two clients.

Every version of the SDK hands every try, first or repeated, sync or async, streamed or not, to
this one public method, and gets its answer from it. It exists with the same meaning in ``httpx``
and ``httpx2``. The SDK's own code is left alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable
from typing import Any

from . import attribution
from .callers import is_sdk_on_stack
from .exchange import Exchange, begin_exchange
from .observation import Kind, Observation
from .patching import IsLive, Patch
from .replays import is_replayed, replays_everything
from .streams import AnswerWatch, watched_stream_classes

__all__ = ["HTTP_LIBRARIES", "send_patches"]

HTTP_LIBRARIES = ("httpx", "httpx2")
_SDK_AGENT = re.compile(r"OpenAI/Python")


def send_patches(http_library: Any) -> list[Patch]:
    """The replacements for *http_library*'s two ``send`` methods."""
    sync_stream, async_stream = watched_stream_classes(http_library)

    def wrap_sync(original: Callable[..., Any], is_live: IsLive) -> Callable[..., Any]:
        @functools.wraps(original)
        def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            exchange = _begin(request) if is_live() else None
            if exchange is None:
                return original(self, request, *args, **kwargs)
            try:
                response = original(self, request, *args, **kwargs)
            except BaseException as error:
                _failed(exchange, self, request, error)
                raise
            _answered(exchange, self, response, sync_stream)
            return response

        return send

    def wrap_async(
        original: Callable[..., Awaitable[Any]], is_live: IsLive
    ) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(original)
        async def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            exchange = _begin(request) if is_live() else None
            if exchange is None:
                return await original(self, request, *args, **kwargs)
            try:
                response = await original(self, request, *args, **kwargs)
            except BaseException as error:
                _failed(exchange, self, request, error)
                raise
            _answered(exchange, self, response, async_stream)
            return response

        return send

    return [
        Patch(http_library.Client, "send", wrap_sync),
        Patch(http_library.AsyncClient, "send", wrap_async),
    ]


def _begin(request: Any) -> Exchange | None:
    try:
        if not attribution.has_any():
            return None
        # A client that was given its request's headers by the program may not name the SDK; one
        # that hands its requests to another task does not have it on the stack.
        agent = request.headers.get("user-agent", "")
        is_from_sdk = is_sdk_on_stack() or bool(_SDK_AGENT.search(agent))
        return begin_exchange(request) if is_from_sdk else None
    except Exception as own_error:
        for run in attribution.open_attributions():
            if run.sink is not None:
                run.sink.settle(0, Observation(Kind.OBSERVER, detail=type(own_error).__name__))
        return None


def _failed(exchange: Exchange, client: Any, request: Any, error: BaseException) -> None:
    try:
        if replays_everything(client, request.url):
            exchange.settle(Observation(Kind.REPLAYED))
        else:
            exchange.settle_failed(error)
    except Exception as own_error:
        _give_up(exchange, own_error)


def _answered(exchange: Exchange, client: Any, response: Any, stream_class: type) -> None:
    try:
        if is_replayed(client, response):
            exchange.settle(Observation(Kind.REPLAYED))
        elif exchange.settle_refused(response.status_code) or exchange.settle_elsewhere():
            pass
        elif response.is_closed:
            exchange.settle_body(response.content, response.headers.get("content-type", ""))
        else:
            watch = AnswerWatch(exchange, response.headers, _decoder_of(response))
            response.stream = stream_class(response.stream, watch)
    except Exception as own_error:
        _give_up(exchange, own_error)


def _decoder_of(response: Any) -> Callable[[bytes], bytes]:
    """Decodes a body as *response*'s own HTTP library does."""
    headers = {"content-encoding": response.headers.get("content-encoding", "identity")}

    def decode(body: bytes) -> bytes:
        decoded: bytes = type(response)(200, headers=headers, content=body).content
        return decoded

    return decode


def _give_up(exchange: Exchange, own_error: Exception) -> None:
    """What is seen must never disturb what is watched: note the failure, and that is all."""
    try:
        exchange.settle(Observation(Kind.OBSERVER, detail=type(own_error).__name__))
    except Exception:
        exchange.is_settled = True
