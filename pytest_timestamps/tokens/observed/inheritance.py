"""Threads and executor jobs that a run starts belong to the run.

A new thread begins with an empty context (until Python 3.14), and a pool's thread with whatever
it was started with, so both are told at the two places where work is handed over.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from . import attribution
from .patching import IsLive, Patch

__all__ = ["inheritance_patches"]


def inheritance_patches() -> list[Patch]:
    """The two places: `Thread.start` and `ThreadPoolExecutor.submit`."""
    return [
        Patch(threading.Thread, "start", _wrap_start),
        Patch(ThreadPoolExecutor, "submit", _wrap_submit),
    ]


def _wrap_start(original: Callable[..., None], is_live: IsLive) -> Callable[..., None]:
    @functools.wraps(original)
    def start(self: threading.Thread) -> None:
        if is_live():
            attribution.inherit(self)
        original(self)

    return start


def _wrap_submit(
    original: Callable[..., Future[Any]], is_live: IsLive
) -> Callable[..., Future[Any]]:
    @functools.wraps(original)
    def submit(
        self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        if is_live() and attribution.has_any():
            fn = functools.partial(_run_carried, attribution.current(), fn)
        return original(self, fn, *args, **kwargs)

    return submit


def _run_carried(
    owner: attribution.Attribution | None, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
) -> Any:
    with attribution.carry(owner):
        return fn(*args, **kwargs)
