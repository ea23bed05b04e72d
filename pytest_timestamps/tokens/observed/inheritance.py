"""Threads and executor jobs that a run starts belong to the run.

A new thread begins with an empty context (until Python 3.14), and a pool's thread with whatever
it was started with, so both are told at the two places where work is handed over.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import attribution
from .patching import IsLive, Patch

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["EXECUTOR_MODULE", "executor_patches", "thread_patches"]

EXECUTOR_MODULE = "concurrent.futures.thread"


def thread_patches() -> list[Patch]:
    """The replacement for ``Thread.start``."""
    return [Patch(threading.Thread, "start", _wrap_start)]


def executor_patches(module: Any) -> list[Patch]:
    """The replacement for ``ThreadPoolExecutor.submit``, of the `EXECUTOR_MODULE`."""
    return [Patch(module.ThreadPoolExecutor, "submit", _wrap_submit)]


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
