"""Spans whose generator was closed without a word.

Python 3.13 closes a generator or coroutine that waits outside of any ``try`` by dropping its
frame: no event is told. Before open spans are counted, those are found by asking the garbage
collector which generators live, and only where spans of the asking capture are suspended. It is
asked for the youngest objects first: all are looked at, at about 30 ms for a million, only where
one of those generators has really been closed.
"""

from __future__ import annotations

import gc
import sys
from itertools import compress
from types import AsyncGeneratorType, CodeType, CoroutineType, GeneratorType

from .activation import drop_abandoned

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    for frame_id in _without_the_living(suspects):
        drop_abandoned(suspended, frame_id, True)


def _without_the_living(suspects: dict[int, CodeType]) -> set[int]:
    """The ids of those frames, each of a code, that no living generator has."""
    codes = {id(code) for code in suspects.values()}
    missing = set(suspects)
    for generation in range(3):
        objects = gc.get_objects(generation)
        # without a step of Python's own for each object: there may be millions
        for item in compress(objects, map(_PREFIXES.__contains__, map(type, objects))):
            prefix = _PREFIXES[type(item)]
            if id(getattr(item, f"{prefix}_code")) in codes:
                missing.discard(id(getattr(item, f"{prefix}_frame")))
        if not missing:
            break
    return missing


_PREFIXES: dict[type, str] = {GeneratorType: "gi", CoroutineType: "cr", AsyncGeneratorType: "ag"}
