"""WebSockets that the SDK opens: what they use can't be seen, so they are told.

The realtime API and, in newer versions, responses can be used over a WebSocket. The SDK opens
one with ``websockets``, whose two ways of connecting are watched while observation is on.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from . import attribution
from .callers import is_sdk_on_stack
from .observation import Kind, Observation
from .patching import IsLive, Patch

__all__ = ["SOCKET_MODULES", "socket_patches"]

_SYNC_MODULE = "websockets.sync.client"
_ASYNC_MODULE = "websockets.asyncio.client"
SOCKET_MODULES = (_SYNC_MODULE, _ASYNC_MODULE)


def socket_patches(module_name: str, module: Any) -> list[Patch]:
    """The replacement for the way of connecting that *module* has: a function, or a class."""
    if module_name == _SYNC_MODULE:
        return [Patch(module, "connect", _wrap)]
    return [Patch(module.connect, "__init__", _wrap)]


def _wrap(original: Callable[..., Any], is_live: IsLive) -> Callable[..., Any]:
    @functools.wraps(original)
    def connect(*args: Any, **kwargs: Any) -> Any:
        if is_live() and attribution.has_any() and is_sdk_on_stack():
            _tell()
        return original(*args, **kwargs)

    return connect


def _tell() -> None:
    owner = attribution.current()
    concerned = attribution.open_attributions() if owner is None else (owner,)
    for run in concerned:
        if run.sink is not None:
            run.sink.settle(0, Observation(Kind.OTHER_ENDPOINT, detail="a WebSocket"))
