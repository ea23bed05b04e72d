"""Whether the SDK is asking."""

from __future__ import annotations

import sys

__all__ = ["is_sdk_on_stack"]

_FRAMES_LOOKED_AT = 10


def is_sdk_on_stack() -> bool:
    """Whether one of the nearest callers is code of the ``openai`` package.

    A coroutine's caller is the one that awaits it, so this holds for async code too.
    """
    frame = sys._getframe(1)
    for _ in range(_FRAMES_LOOKED_AT):
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == "openai":
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False
