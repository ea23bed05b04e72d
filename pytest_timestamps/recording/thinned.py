"""A function whose calls are counted on their call paths, and of which only a sample is timed.

On Python 3.12 and later `sys.monitoring` tells of such a function's calls and no longer of its
returns, but for those of the sample: a counted call costs half of a timed one. On 3.11 its wrapper
counts the call and goes straight on to the function.
"""

from __future__ import annotations

from _thread import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

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

_SUSPENDABLE = ("suspendable code", "suspendable wrapper")

_PRIOR = 16
"""How many timed calls of a path weigh as much as those of the function on all paths."""


class Thinned:
    """What is counted of the calls of ``site``, and which are timed: one in ``rate``, or none.

    ``key`` closes its spans. ``set_returns`` has its returns told or not, None for a wrapper.
    ``look`` is told the time now and then: where nothing is timed, nothing else has a look.
    ``open`` counts its open spans: returns are told only while there is one.
    ``calls`` and ``self_ns`` are the timed calls of which this is known already, and their own
    time. While it is ``left_out`` no call is even counted.
    """

    __slots__ = (
        "_look",
        "_set_returns",
        "_state",
        "calls",
        "key",
        "left_out",
        "open",
        "rate",
        "self_ns",
        "site",
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
                self._closed()

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

    def end(self, lane: Lane, now_ns: int, failed: bool) -> None:
        """A call ends, of which a return was told: a timed one, if there is one here."""
        if self.open and lane.has_open(self.key):
            lane.close(self.key, now_ns, failed)
            self._closed()
            self._glance(now_ns)
        elif failed:
            self.note_failure(lane)

    def note_failure(self, lane: Lane) -> None:
        """An exception has left a counted call; of one that was suspended the place is unknown."""
        if self.left_out or self.site.kind in _SUSPENDABLE:
            return
        place = lane.known_place()
        node = None if place is None else place.children.get(id(self.key))
        if node is not None:
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
        if self.calls:
            calls += _PRIOR
            self_ns += _PRIOR * self.self_ns / self.calls
        return max(self_ns / calls, 1.0) if calls else 0.0

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
            self.open += 1

    def _closed(self) -> None:
        with _LOCK:
            self.open -= 1
            if not self.open and self._set_returns is not None:
                self._set_returns(self.key, False)


_LOCK = RLock()


def renew_lock() -> None:
    """In a forked child: another thread may have held the lock, and there is none to release it."""
    global _LOCK
    _LOCK = RLock()
