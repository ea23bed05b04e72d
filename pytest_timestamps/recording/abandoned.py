"""Spans whose generator was closed without a word.

Python 3.13 closes a generator or coroutine that waits outside of any ``try`` by dropping its
frame: no event is told. Before open spans are counted, those are found by asking the garbage
collector which generators live, at about 10 ms for a million objects, and only where spans of
the asking capture are suspended.
"""

from __future__ import annotations

import gc
import sys
from types import AsyncGeneratorType, CodeType, CoroutineType, GeneratorType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .activation import Paused
    from .capture import Capture

__all__ = ["finish_abandoned"]

_CLOSES_SILENTLY = sys.version_info >= (3, 13)


def finish_abandoned(suspended: dict[int, list[Paused]], capture: Capture) -> None:
    """Finish the spans of ``capture`` among ``suspended`` whose generator has been closed."""
    if not _CLOSES_SILENTLY or not suspended:
        return
    suspects = {
        frame_id: one.key
        for frame_id, (one, *others) in list(suspended.items())
        # in a block an exception handler is around, and closing is told
        if not others and isinstance(one.key, CodeType)
        if capture in one.node.root.scope.members
    }
    if not suspects:
        return
    codes = {id(code) for code in suspects.values()}
    alive = {id(_frame(item)) for item in gc.get_objects() if id(_code(item)) in codes}
    for frame_id in suspects.keys() - alive:
        for one in suspended.pop(frame_id, ()):
            one.node.finish(one.active_ns, False)


_PREFIXES: dict[type, str] = {GeneratorType: "gi", CoroutineType: "cr", AsyncGeneratorType: "ag"}


def _code(item: Any) -> object:
    prefix = _PREFIXES.get(type(item))
    return None if prefix is None else getattr(item, f"{prefix}_code")


def _frame(item: Any) -> object:
    return getattr(item, f"{_PREFIXES[type(item)]}_frame")
