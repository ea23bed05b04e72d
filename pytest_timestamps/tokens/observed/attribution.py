"""Whose call it is: the run on whose stack, task or thread a call is made.

A context variable answers for tasks, and for threads and jobs that were handed it. Where it says
nothing, or names a run that is over (a long-lived task keeps the context of the run that started
it), the run that this thread has entered and not left answers: the call is on its stack.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from .keyprint import KeyPrint
from .tally import Sink

__all__ = [
    "NOBODY",
    "Attribution",
    "attribute_to",
    "carry",
    "current",
    "has_any",
    "inherit",
    "open_attributions",
    "set_process_default",
]


@dataclass(eq=False, slots=True, weakref_slot=True)
class Attribution:
    """A period in which calls belong to a run. A key that is not given is not checked."""

    sink: Sink | None
    key: KeyPrint | None = None
    is_open: bool = True

    def is_own_key(self, api_key: str | None) -> bool:
        """Whether *api_key*, as far as both are known, is the run's."""
        return self.key is None or api_key is None or self.key.matches(api_key)


NOBODY = Attribution(None)
"""Says that a call belongs to no run, in spite of the thread that it is made on."""

_context: ContextVar[Attribution | None] = ContextVar("token_run", default=None)
_open: list[Attribution] = []
_open_lock = threading.Lock()
_entered = threading.local()
_inherited: weakref.WeakKeyDictionary[threading.Thread, Attribution] = weakref.WeakKeyDictionary()
_process_default: Attribution | None = None


@contextmanager
def attribute_to(sink: Sink, *, api_key: str | None = None) -> Iterator[None]:
    """Give *sink* the calls that are made inside the block, or by what is started inside it.

    With an *api_key* given, calls with another one are told to it as foreign. The key itself is
    not kept.
    """
    attribution = Attribution(sink, KeyPrint.of(api_key) if api_key else None)
    entered = _entered_here()
    is_on_stack = not _in_task()
    with _open_lock:
        _open.append(attribution)
    if is_on_stack:
        entered.append(attribution)
    token = _context.set(attribution)
    try:
        yield
    finally:
        attribution.is_open = False
        # Where it is left in another context than entered, being closed is enough.
        with contextlib.suppress(ValueError):
            _context.reset(token)
        if is_on_stack:
            entered.remove(attribution)
        with _open_lock:
            _open.remove(attribution)


def current() -> Attribution | None:
    """The attribution of a call made here and now, or null."""
    for found in (_context.get(), _inherited.get(threading.current_thread())):
        if found is NOBODY:
            return None
        if found is not None and found.is_open:
            return found
    on_stack = _entered_here()
    return on_stack[-1] if on_stack else _process_default


def has_any() -> bool:
    """Whether any call could belong to a run at all."""
    return bool(_open) or _process_default is not None


def open_attributions() -> tuple[Attribution, ...]:
    """Every run that is open anywhere in this process."""
    with _open_lock:
        return tuple(_open)


def inherit(thread: threading.Thread) -> None:
    """Let *thread*, which is about to be started here, belong to whom this code belongs."""
    found = current()
    if found is not None:
        _inherited[thread] = found


@contextmanager
def carry(attribution: Attribution | None) -> Iterator[None]:
    """Let the block belong to *attribution*, and to nobody if it is null."""
    token = _context.set(attribution or NOBODY)
    try:
        yield
    finally:
        _context.reset(token)


def set_process_default(sink: Sink, key: KeyPrint | None) -> None:
    """Give *sink* every call of this process that no open run claims: for child processes."""
    global _process_default
    _process_default = Attribution(sink, key)


def _entered_here() -> list[Attribution]:
    try:
        entered: list[Attribution] = _entered.attributions
    except AttributeError:
        entered = _entered.attributions = []
    return entered


def _in_task() -> bool:
    """Whether a task of asyncio runs here; where asyncio was never imported there is none."""
    asyncio: Any = sys.modules.get("asyncio")
    if asyncio is None:
        return False
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False
