"""Spans that are nobody's: what is open on the running thread is put aside for them."""

from __future__ import annotations

from contextlib import contextmanager

from .scope import ORIGIN, Origin, Scope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .lane import Lane
    from .spans import Lanes
    from .tree import Root

__all__ = ["put_aside"]


@contextmanager
def put_aside(lanes: Lanes) -> Iterator[tuple[Lane, Root, Origin]]:
    """The running thread's lane with nothing open, a root on it, and the origin to record there.

    What was open is open again in the end, and what was recorded meanwhile is gone.
    """
    lane = lanes.here()
    origin_before = ORIGIN.get()
    saved = lane.put_aside()
    # whatever goes wrong, as at the recursion limit: no open span is lost
    try:
        scope = Scope((), frozenset())
        origin = Origin(scope, lane=lane)
        ORIGIN.set(origin)
        root = scope.root_for(origin, None, lane)
        lane.top = root
        yield lane, root, origin
    finally:
        lane.take_back(saved)
        ORIGIN.set(origin_before)
