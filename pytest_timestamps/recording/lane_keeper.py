"""What gives a thread's lane back, in a module of its own, as it has to work while Python ends.

By then the names of compiled modules are gone, and this one is never compiled.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .lane import Lane
    from .spans import Lanes

__all__ = ["LaneKeeper"]


class LaneKeeper:
    """Gives a thread's lane back when the thread ends.

    A new thread takes a used lane first, so that roots, which belong to lanes, are as many as
    the threads that ran at one time, not as the threads that ever ran.
    """

    __slots__ = ("lane", "lanes")

    def __init__(self, lane: Lane, lanes: Lanes) -> None:
        self.lane = lane
        self.lanes = lanes

    def __del__(self) -> None:
        self.lane.reset()
        self.lane.thread = 0
        self.lanes.in_use.discard(self.lane)
        self.lanes.spare.append(self.lane)
