"""The one engine of a process: which captures are active, and where a context's work belongs."""

from __future__ import annotations

import os
import sys
from _thread import RLock, get_ident
from time import perf_counter_ns

from .abandoned import finish_abandoned
from .between_spans import followed_by
from .in_place import InPlace
from .lookup import Entry, entries_on_stack, entry_to_leave
from .marks import MARKS
from .monitoring import Monitor
from .open_spans import find_open_spans
from .operations import Operations
from .origins import has_all, marks_of, only_open, origin_of_work, without
from .overhead import NO_OVERHEAD
from .scope import ORIGIN, Origin, ScopeTable
from .signals import comes_from_signal
from .sites import SWITCH
from .spans import Lanes, build_spans
from .starters import Starters
from .steps import Steps
from .thinned import renew_lock
from .thinning import Thinning
from .tree import NOWHERE, Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Protocol

    from .between_spans import Chore
    from .calibration import Calibration
    from .capture import Capture
    from .open_spans import OpenSpans
    from .overhead import SpanCosts
    from .scope import Scope
    from .spans import Lanes, Spans
    from .stack import Stack

    class Instrument(Protocol):
        """Something that is switched on while the engine is armed."""

        def arm(self, engine: Engine) -> None: ...

        def refresh(self, engine: Engine) -> None: ...

        def disarm(self, engine: Engine) -> None: ...


__all__ = ["ENGINE", "Engine"]

_NOTHING: frozenset[Capture] = frozenset()


class Engine:
    """Arming, and the captures that are active.

    It sets the switch that wrappers and blocks ask.
    ``clock`` is bound when the engine is made, so that a faked clock can't bend it; tests hand
    in their own with `use_clock`.
    """

    def __init__(self, clock: Callable[[], int] = perf_counter_ns) -> None:
        self.faults = 0
        self._arms = 0
        self.lock = RLock()
        self.instruments: list[Instrument] = []
        self.scopes = ScopeTable()
        self.entries: list[Entry] = []
        # how many of them are in a task
        self._in_tasks = 0
        self.getframe: Callable[[int], FrameType] = sys._getframe
        self.costs: SpanCosts = NO_OVERHEAD
        self.calibrates = True
        self.thinning = Thinning(self)
        self.in_place = InPlace(self)
        self.thinning.do_at_ends(self.in_place)
        self._calibration: Calibration | None = None
        self.chore: Chore | None = None
        self.clock = clock
        self.lanes: Lanes = Lanes(clock, self._find_scope)
        self.spans: Spans
        self._build(clock)

    def _build(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        # contexts may still name them
        self.lanes.give_up()
        self.lanes = Lanes(clock, self._find_scope)
        self.spans = build_spans(self.lanes, clock, self.note_fault, self.thinning)
        if self.chore is not None:
            self.spans.close = followed_by(self.spans.close, self.chore, clock)

    def note_fault(self) -> None:
        """Count what was raised in recording: a fault of its own is not let out into the program.

        What a signal handler has raised meanwhile is the program's, and goes on to it.
        """
        self.faults += 1
        error = sys.exception()
        if error is not None and comes_from_signal(error):
            raise error

    @property
    def armed(self) -> bool:
        """Whether anything may be recorded at present."""
        return SWITCH.armed

    def use_clock(self, clock: Callable[[], int], calibrate: bool = False) -> None:
        """Measure with ``clock`` from now on; only while nothing is armed. For tests."""
        assert not SWITCH.armed, "the clock can't change while recording is armed"
        self.calibrates = calibrate
        self.costs = NO_OVERHEAD
        self._calibration = None
        self.in_place.forget()
        self._build(clock)

    def do_between_spans(self, chore: Chore) -> None:
        """Have the chore done when it is due and a span has ended; only while nothing is armed.

        It makes every span a bit dearer.
        """
        assert not SWITCH.armed, "a chore can't be given while recording is armed"
        self.chore = chore
        self._build(self.clock)

    # Arming

    def arm(self) -> None:
        """Switch recording on; counted, so that each `arm` has its `disarm`."""
        with self.lock:
            self._arms += 1
            if self._arms == 1:
                SWITCH.armed = True
                for instrument in self.instruments:
                    instrument.arm(self)

    def calibrate(self) -> None:
        """Look at what recording costs now, at no cost to what is going on."""
        start_ns = self.clock()
        self.look_at_costs()
        self.exempt(self.clock() - start_ns)

    def look_at_costs(self) -> None:
        """Measure what recording costs, if it is time; only while armed."""
        if not self.calibrates:
            return
        with self.lock:
            if self._calibration is None:
                from .calibration import Calibration

                self._calibration = Calibration()
            self.costs = self._calibration.refresh(self) or self.costs

    def exempt(self, spent_ns: int) -> None:
        """Take ``spent_ns``, just now, out of all that is going on around."""
        if not (spent_ns and self.entries):
            return
        with self.lock:
            self.lanes.here().exempt(spent_ns)
            for capture in {entry.capture for entry in self.entries}:
                capture.exempt(spent_ns)

    def disarm(self) -> None:
        """Switch recording off when nobody needs it any more."""
        with self.lock:
            self._arms -= 1
            if self._arms:
                return
            SWITCH.armed = False
            for instrument in reversed(self.instruments):
                instrument.disarm(self)
            # the ends of what is open now won't be seen
            self.lanes.reset()

    # Entering and leaving captures

    def enter(self, capture: Capture, frame: FrameType) -> None:
        """Make ``capture`` the innermost one of the running context."""
        with self.lock:
            lane = self.lanes.here()
            lane.look_anew()
            origin = ORIGIN.get()
            for instrument in self.instruments:
                instrument.refresh(self)
            # asked before this entry is there to be found
            scope = self._find_scope(lane, origin, lane.busy_place())
            entry = Entry(capture, frame, lane)
            self.entries.append(entry)
            if scope is None or capture not in scope.members:
                inner = self._scope_within(scope, capture)
                origin = Origin(inner, capture=capture, outer=origin, node=origin.node, lane=lane)
                ORIGIN.set(origin)
            entry.mark = origin.mark
            if entry.in_task:
                self._in_tasks += 1
            else:
                lane.covers.append(capture)

    def _scope_within(self, outer: Scope | None, capture: Capture) -> Scope:
        if outer is None:
            return self.scopes.scope_of((capture,), capture.without)
        hidden = (outer.hidden | capture.without) - {capture}
        members = (*(m for m in outer.members if m not in hidden), capture)
        return self.scopes.scope_of(members, hidden)

    def leave(self, capture: Capture) -> bool:
        """Undo the latest `enter` of ``capture``, this thread's first; True if it was the last."""
        with self.lock:
            lane = self.lanes.here()
            lane.look_anew()
            own = [e for e in self.entries if e.capture is capture]
            entry, still_here = own[0], False
            if len(own) > 1:
                entry, still_here = entry_to_leave(own, lane, marks_of(ORIGIN.get()))
            self.entries.remove(entry)
            if entry.in_task:
                self._in_tasks -= 1
            elif capture in entry.lane.covers:
                entry.lane.covers.remove(capture)
            if not still_here:
                ORIGIN.set(without(ORIGIN.get(), capture))
            return len(own) == 1

    def replace(self, capture: Capture, successor: Capture) -> bool:
        """Have ``successor`` be entered in place of ``capture``; False where that isn't plain."""
        with self.lock:
            lane, origin = self.lanes.here(), ORIGIN.get()
            if len(self.entries) != 1 or successor.wants_timeline:
                return False
            entry = self.entries[0]
            plain = entry.capture is capture and entry.lane is lane and not entry.in_task
            if not plain or origin.capture is not capture:
                return False
            lane.look_anew()
            if lane.busy_place() is not NOWHERE:
                return False
            for instrument in self.instruments:
                instrument.refresh(self)
            scope, outer = self._scope_within(None, successor), origin.outer
            origin = Origin(scope, capture=successor, outer=outer, node=origin.node, lane=lane)
            ORIGIN.set(origin)
            entry.capture, entry.mark = successor, origin.mark
            lane.covers[:] = [successor]
            return True

    def close(self, capture: Capture) -> None:
        """No span reaches ``capture`` any more."""
        with self.lock:
            self.scopes.close(capture.scopes)

    def open_spans(self, now_ns: int, capture: Capture) -> OpenSpans:
        """All spans that are open at ``now_ns``, by node; exact for those of ``capture``."""
        finish_abandoned(self.lanes.paused, capture)
        return find_open_spans(self.lanes.in_use, self.lanes.paused.values(), now_ns)

    def forget_paused(self) -> None:
        """Drop suspended spans that no running capture waits for."""
        paused = self.lanes.paused
        for frame_id, group in list(paused.items()):
            if not any(m.running for one in group for m in one.node.root.scope.members):
                for one in paused.pop(frame_id, ()):
                    one.forget(frame_id)

    def start_section(self, capture: Capture, section: str) -> None:
        """Spans of the running context that start from now on belong to ``section``."""
        for scope in capture.scopes:
            # three times for each test, most of which call nothing that is decorated
            if scope.roots:
                with self.lock:
                    scope.retire(capture)
        ORIGIN.set(ORIGIN.get().told_apart(capture, section))

    # Where a span belongs

    def _find_scope(self, lane: Stack, origin: Origin, top: Node) -> Scope | None:
        """The scope of a span in context ``origin`` that would open above ``top``."""
        started_in, under = origin.scope, None if top is NOWHERE else top.root.scope
        covers = lane.covers
        if not self._in_tasks:
            if started_in is None and under is None and not covers:
                return None
            scope = only_open(started_in, under)
            if scope is not None and has_all(scope.members, covers):
                return scope
        return self._join(started_in, under, covers)

    def _join(
        self, started_in: Scope | None, under: Scope | None, covers: list[Capture]
    ) -> Scope | None:
        members: list[Capture] = []
        hidden = _NOTHING
        for scope in (under, started_in):
            if scope is None:
                continue
            if not scope.closed:
                hidden |= scope.hidden
            members += [m for m in scope.members if m.running and m not in members]
        members += [c for c in covers if c not in members]
        if self._in_tasks:
            found = entries_on_stack(self.entries, depth=0, getframe=self.getframe)
            members += [e.capture for e in reversed(found) if e.capture not in members]
        for capture in covers:
            hidden |= capture.without
        kept = tuple(dict.fromkeys(m for m in members if m not in hidden))
        return self.scopes.scope_of(kept, hidden) if kept else None

    def starting_origin(self) -> Origin | None:
        """The origin of work that the running span starts; None where nothing gathers."""
        lane = self.lanes.here()
        lane.settle()
        return origin_of_work(lane.place())

    def after_fork(self) -> None:
        """In a child process: what it inherited starts empty, and nothing of it is open."""
        self.lock = RLock()
        renew_lock()
        self.lanes.in_use = {self.lanes.here()}
        self.lanes.here().thread = get_ident()
        covers = list(self.lanes.here().covers)
        self.lanes.reset()
        self.lanes.here().covers.extend(covers)
        for capture in {entry.capture for entry in self.entries}:
            self.scopes.close(capture.scopes)
            capture.start_empty()


ENGINE = Engine()
if MARKS is None:
    ENGINE.instruments.append(Steps())
    ENGINE.instruments.append(Operations())
else:
    _monitor = Monitor(MARKS)
    ENGINE.instruments.append(_monitor)
    ENGINE.thinning.cuts.set_returns = _monitor.set_returns
    ENGINE.thinning.cuts.set_calls = _monitor.set_calls
ENGINE.instruments.append(Starters(MARKS))
SWITCH.engine = ENGINE

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=ENGINE.after_fork)
