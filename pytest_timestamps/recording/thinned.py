"""A function whose calls are counted on their call paths, and of which only a sample is timed.

On Python 3.12 and later `sys.monitoring` tells of such a function's calls and no longer of its
returns, but for those of the sample: a counted call costs half of a timed one. On 3.11 its wrapper
counts the call and goes straight on to the function.

Of a generator or coroutine a sample is timed from its first step to its last. Meanwhile the steps
of all its like are told: those of the sample are known by their frames, the others are ignored.
"""

from __future__ import annotations

import sys
from _thread import RLock

from .activation import drop_abandoned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any

    from .activation import Paused
    from .lane import Lane
    from .sites import Site
    from .tree import Node

    SetReturns = Callable[[Any, bool], None]
    Look = Callable[[int], None]

__all__ = ["NEVER", "RATE", "Thinned", "renew_lock"]

RATE = 64
"""One call in so many is timed, on average: at random, as programs have rhythms of their own."""

NEVER = 1 << 61
"""A count that no call reaches, and a time that doesn't come."""

_GLANCE = 4_096
"""After so many calls of a path that were only counted the clock is read: is it time to look?"""

_BITS = (1 << 28) - 1
"""The state of a path's random numbers. To multiply larger ones Python may run signal handlers, and
compiled code has no room for what these raise."""

_PRIOR = 16
"""How many timed calls of a path weigh as much as those of the function on all paths."""


class Thinned:
    """What is counted of the calls of ``site``, and which are timed: one in ``rate``, or none.

    ``key`` closes its spans. ``set_returns`` has its returns told or not, None for a wrapper.
    ``look`` is told the time now and then: where nothing is timed, nothing else has a look.
    ``open`` counts its open spans: returns are told only while there is one. ``frames`` has the ids
    of theirs, where they can be suspended and `sys.monitoring` tells of them.
    ``calls``, ``self_ns`` and ``suspended_ns`` are the timed calls of which this is known already,
    their own time and how long they were suspended. While it is ``left_out`` no call is even
    counted.
    """

    __slots__ = (
        "_look",
        "_set_returns",
        "_state",
        "calls",
        "frames",
        "key",
        "left_out",
        "open",
        "rate",
        "self_ns",
        "site",
        "suspended_ns",
    )

    def __init__(
        self,
        key: Any,
        site: Site,
        rate: int | None,
        set_returns: SetReturns | None,
        look: Look | None = None,
    ) -> None:
        self.key = key
        self.site = site
        self.rate = rate
        self.left_out = False
        self.open = 0
        self.calls = 0
        self.self_ns = 0.0
        self.suspended_ns = 0.0
        is_told = set_returns is not None and site.kind == "suspendable code"
        self.frames: set[int] | None = set() if is_told else None
        self._set_returns = set_returns
        self._look = look
        self._state = 0
        # of its name, and not of an address: the same in every process
        for character in site.name:
            self._state = (self._state * 31 + ord(character)) & _BITS

    # What happens at each call

    def time(self, lane: Lane, node: Node) -> None:
        """The call of ``node`` that begins here and now, on top of a plain lane, is to be timed."""
        if self.rate is None:
            self._count_and_glance(lane, node)
            return
        node.due = self._next_due(node.counted, self.rate)
        node.sampled += 1
        self._opened()
        lane.top = node
        node.start_ns = lane.clock()

    def begin(self, lane: Lane) -> None:
        """A call begins whose place is not on the plain path: count it, or open it."""
        if not (self.left_out or self.counts(lane)):
            self._opened()
            lane.open(self.key, self.site)
            if not lane.has_open(self.key):
                self._closed(0 if self.frames is None else _frame_of(self.key))

    def counts(self, lane: Lane) -> bool:
        """Count a call that begins here and now; False where it is to be timed instead.

        Recursion is timed in full, and so is what a timeline shall show.
        """
        place = lane.known_place() or lane.settle()
        if place is None:
            return True
        node = lane.counting_node(place, self.key, self.site)
        if node is None:
            return False
        if not node.due:
            node.due = self._next_due(node.counted, self.rate)
        if node.counted + 1 < node.due:
            node.counted += 1
            return True
        if self.rate is None:
            self._count_and_glance(lane, node)
            return True
        self._glance(lane.clock())
        if self.left_out:
            return True
        node.due = self._next_due(node.counted, self.rate)
        node.sampled += 1
        return False

    def end(self, lane: Lane, now_ns: int, failed: bool, paused: dict[int, list[Paused]]) -> bool:
        """A call ends, of which a return was told; False if it wasn't timed.

        ``paused`` are all suspended spans.
        """
        frame_id = _frame_of(self.key) if self.frames else 0
        timed = self.open > 0 and not self.ignores(frame_id) and lane.has_open(self.key)
        if frame_id in paused:
            drop_abandoned(paused, frame_id, not timed)
        if timed:
            lane.close(self.key, now_ns, failed)
            self._closed(frame_id)
            self._glance(now_ns)
        elif failed:
            self.note_failure(lane)
        return timed

    def ignores(self, frame_id: int) -> bool:
        """Is the call in that frame, of which a suspension was told, one that is not timed?"""
        return self.frames is not None and frame_id not in self.frames

    def note_failure(self, lane: Lane) -> None:
        """An exception has left a counted call, which has been made here, or at least resumed."""
        if self.left_out:
            return
        # a task may be resumed after others, which have a place of their own
        place = lane.known_place() or lane.settle()
        node = None if place is None else place.children.get(id(self.key))
        # it may have begun before this was gathered
        if node is not None and node.counted:
            node.errors += 1

    def _count_and_glance(self, lane: Lane, node: Node) -> None:
        node.counted += 1
        node.due = node.counted + _GLANCE
        self._glance(lane.clock())

    def _glance(self, now_ns: int) -> None:
        if self._look is not None:
            self._look(now_ns)

    # What follows from the sample

    def mean_ns(self, calls: int, self_ns: float) -> float:
        """A counted call's own time: from the ``calls`` of its path, and from all others'."""
        mean_ns = self._mean_ns(calls, self_ns, self.self_ns)
        return max(mean_ns, 1.0) if calls or self.calls else 0.0

    def mean_suspended_ns(self, calls: int, suspended_ns: float) -> float:
        """How long a counted call was suspended, likewise."""
        return self._mean_ns(calls, suspended_ns, self.suspended_ns)

    def _mean_ns(self, calls: int, spent_ns: float, known_ns: float) -> float:
        if self.calls:
            calls += _PRIOR
            spent_ns += _PRIOR * known_ns / self.calls
        return spent_ns / calls if calls else 0.0

    def _next_due(self, counted: int, rate: int | None) -> int:
        if rate is None:
            return NEVER
        # a linear congruential generator: the same program is sampled in the same way
        self._state = (self._state * 1_664_525 + 1_013_904_223) & _BITS
        return counted + 1 + (self._state >> 12) % (2 * rate - 1)

    def _opened(self) -> None:
        # threads may do this at the same time, and a collection's finalizers in the midst of it
        with _LOCK:
            if not self.open and self._set_returns is not None:
                self._set_returns(self.key, True)
            if self.frames is None:
                self.open += 1
            else:
                self.frames.add(_frame_of(self.key))
                self.open = len(self.frames)

    def _closed(self, frame_id: int) -> None:
        """A timed call has ended: the one in that frame, where it can be suspended."""
        with _LOCK:
            if self.frames is None:
                self.open -= 1
            else:
                self.frames.discard(frame_id)
                self.open = len(self.frames)
            if not self.open and self._set_returns is not None:
                self._set_returns(self.key, False)

    def forget(self, frame_id: int) -> None:
        """The call in that frame won't end, or has done so unseen."""
        if self.frames is not None and frame_id in self.frames:
            self._closed(frame_id)


def _frame_of(code: CodeType) -> int:
    """The id of the innermost running frame of ``code``."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return id(frame)


_LOCK = RLock()


def renew_lock() -> None:
    """In a forked child: another thread may have held the lock, and there is none to release it."""
    global _LOCK
    _LOCK = RLock()
