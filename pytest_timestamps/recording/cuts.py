"""Which functions are thinned, counted only or left out at present, and the ways in and out of it.

Who is, and when, is `thinning`'s to say.
"""

from __future__ import annotations

from .thinned import RATE, Thinned
from .tree import THIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .engine import Engine
    from .scope import Scope
    from .seen import Seen
    from .sites import Site
    from .thinned import Look, SetReturns
    from .tree import Latch

__all__ = ["Cuts"]


class Cuts:
    """Has functions recorded less, or in full again.

    ``set_returns`` switches the returns of a code object on and off where `sys.monitoring` tells of
    them, ``set_calls`` those of its calls whose returns are off.
    ``left_out`` names the functions that are left out at present, sorted. ``look`` is told the time
    now and then where functions are no longer timed.
    """

    def __init__(self, engine: Engine, look: Look) -> None:
        self._engine = engine
        self._look = look
        self._out: list[Site] = []
        self.left_out: tuple[str, ...] = ()
        self.set_returns: SetReturns | None = None
        self.set_calls: SetReturns | None = None

    @property
    def any_left_out(self) -> bool:
        """Is anything left out at present?"""
        return bool(self._out)

    @property
    def may_leave_out(self) -> bool:
        """May anything be? A timeline that is running has every call."""
        return not any(entry.capture.wants_timeline for entry in list(self._engine.entries))

    def thin(self, seen: Seen, ended: Sequence[Scope] = ()) -> None:
        """Count its calls from now on, and time a sample of them if it is a leaf.

        ``ended`` are scopes that are nobody's any more, whose trees may be used again.
        """
        site = seen.site
        if site.thinned is not None or not site.may_thin:
            return
        returns = None if seen.key is site else self.set_returns
        thinned = Thinned(seen.key, site, RATE if seen.leaf else None, returns, self._look)
        thinned.calls, thinned.self_ns = int(seen.calls), seen.self_ns
        thinned.suspended_ns = seen.suspended_ns
        site.thinned = thinned
        for latch in self._latches(site, ended):
            latch.use(THIN)
        if returns is not None:
            returns(seen.key, False)

    def leave_out(self, chosen: Iterable[Seen]) -> None:
        """Record these no more."""
        for one in chosen:
            self._leave_out(one)
        self.left_out = tuple(sorted({site.name for site in self._out}))
        # full of paths that nobody comes by any more
        self._engine.lanes.forget_kept()

    def _leave_out(self, seen: Seen) -> None:
        site = seen.site
        if site.thinned is None:
            returns = None if seen.key is site else self.set_returns
            site.thinned = Thinned(seen.key, site, None, returns, self._look)
        thinned = site.thinned
        if thinned.open or thinned.left_out:
            # one that has just begun on another thread is left for the next time
            return
        thinned.left_out = True
        for latch in self._latches(site, ()):
            if latch.own is seen.key:
                latch.use(THIN)
        if seen.key is not site and self.set_calls is not None:
            self.set_calls(seen.key, False)
        self._out.append(site)

    def take_back(self) -> None:
        """Record again what was left out; those that are running lack some of it for good."""
        if not self._out:
            return
        for entry in list(self._engine.entries):
            entry.capture.note_left_out(self.left_out)
        out, self._out, self.left_out = self._out, [], ()
        for site in out:
            thinned = site.thinned
            if thinned is None:
                continue
            thinned.left_out = False
            if not site.may_thin:
                self.time_again(site)
            elif thinned.key is not site and self.set_calls is not None:
                self.set_calls(thinned.key, True)

    def time_again(self, site: Site) -> None:
        """Time all calls of ``site``, which was thinned or left out."""
        thinned, site.thinned = site.thinned, None
        for latch in self._latches(site, ()):
            if thinned is not None and latch.own is thinned.key:
                latch.use(latch.own)
        if thinned is not None and thinned.key is not site and self.set_returns is not None:
            self.set_returns(thinned.key, True)

    def begun(self) -> set[int]:
        """The ids of the keys of all open spans: their ends have to be told."""
        lanes = self._engine.lanes
        begun = {id(span[0].key) for lane in list(lanes.in_use) for span in lane.open_spans(0)}
        return begun | {id(one.key) for group in list(lanes.paused.values()) for one in group}

    def _latches(self, site: Site, ended: Sequence[Scope]) -> list[Latch]:
        """All latches of ``site`` in trees that are written, may be again, or have ``ended``."""
        engine = self._engine
        roots = [root for scope in engine.scopes.all() for root in list(scope.roots)]
        roots += engine.lanes.kept_roots()
        roots += [root for scope in ended for root in scope.roots]
        return [latch for root in roots for latch in root.latches.get(site.name, ())]
