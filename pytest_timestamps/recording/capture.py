"""A capture gathers spans between its start and its stop."""

from __future__ import annotations

import gc
import sys

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError

from .engine import ENGINE
from .freeze import add_scopes, idle, settle_over
from .paths import PathTable
from .results import Overhead, Recording
from .rows import no_less_than_calls
from .timeline import TIMELINE_LIMIT, Timeline, checked_limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType, TracebackType
    from typing import Self

    from .open_spans import OpenSpans
    from .scope import Scope
    from .tree import Node

__all__ = ["Capture"]


class Capture:
    """Gathers the spans of the code that runs while it is entered.

    Entered twice it counts once; entered again after its stop it goes on adding.
    ``timeline`` keeps every span besides, up to ``timeline_limit``.
    ``without`` names captures that shall not see what this one sees.

    Raises `ArgumentTypeError` for a name that isn't a string, `ArgumentError` for a limit
    below 1.
    """

    recycles = False
    """Whether its trees are left to the next such capture; its rows are in the order of names."""

    idle_ns = 0
    """How much of the time while it runs is not the program's, which a budget is a share of."""

    def __init__(
        self,
        name: str = "collector",
        *,
        timeline: bool = False,
        timeline_limit: int = TIMELINE_LIMIT,
        without: Sequence[Capture] = (),
    ) -> None:
        if not isinstance(name, str):
            raise ArgumentTypeError(
                f"a collector's name must be a string, got {type(name).__name__}: {name!r:.80}"
            )
        limit = checked_limit(timeline_limit)
        self.name = name
        self.without = frozenset(without)
        self.scopes: list[Scope] = []
        self.section_name = ""
        self.running = False
        self._timeline = Timeline(limit) if timeline else None
        self._started_ns = 0
        self._wall_ns = 0
        self._origin_ns = 0
        self._table = PathTable()
        self._overhead_ns = 0.0
        self._freezing_ns = 0
        self._dropped = 0
        self._left_out: tuple[str, ...] = ()
        self._used = False

    @property
    def wants_timeline(self) -> bool:
        """Whether every span is kept besides the sums."""
        return self._timeline is not None

    @property
    def started_ns(self) -> int:
        """When it was last started, on the engine's clock."""
        return self._started_ns

    @property
    def untouched(self) -> bool:
        """Whether nothing has been recorded, nothing was started, and nobody is nested in it."""
        # Asked twice for every test, hence no loop: one scope is the collector's own.
        scopes = self.scopes
        if len(scopes) > 1 or self._dropped or self._table:
            return False
        return not scopes or not (scopes[0].roots or scopes[0].dropped)

    # Starting and stopping

    def start(self) -> None:
        """Gather from here on: the code below the caller, and what it starts."""
        self._start(sys._getframe(1))

    def _start(self, frame: FrameType) -> None:
        if not self.running:
            ENGINE.arm()
            ENGINE.thinning.prepare(self)
            self._set_off()
        ENGINE.enter(self, frame)

    def _set_off(self) -> None:
        self.running = True
        now_ns = ENGINE.clock()
        self._started_ns = now_ns
        if not self._used:
            self._used = True
            self._origin_ns = now_ns

    def stop(self) -> None:
        """Undo one `start`; with the last one, stop gathering and freeze what there is.

        Raises `ArgumentError` if it isn't running.
        """
        now_ns = ENGINE.clock()
        if not self.running:
            raise ArgumentError(
                f"collector {self.name!r} is not running: each stop() needs a start() before it"
            )
        collects = gc.isenabled()
        # what a collection closes in the midst of this would be nobody's any more, nor open
        gc.disable()
        try:
            opened = self._close(now_ns) if ENGINE.leave(self) else None
        finally:
            if collects:
                gc.enable()
        if opened is not None:
            # for whoever gathers outside this capture, all this is recording's own cost
            ENGINE.exempt(self._finish(now_ns, opened))
            ENGINE.disarm()

    def hand_over(self, successor: Capture) -> bool:
        """Stop, and have ``successor``, which is new, start in its place: cheaper than both.

        False, and nothing done, where it is not alone, or was not entered once, here and outside
        of any task.
        """
        now_ns = ENGINE.clock()
        collects = gc.isenabled()
        # as in `stop`
        gc.disable()
        try:
            if not ENGINE.replace(self, successor):
                return False
            successor._set_off()
            opened = self._close(now_ns)
        finally:
            if collects:
                gc.enable()
        self._finish(now_ns, opened)
        return True

    def start_over(self, name: str) -> None:
        """Be as if it started now, and with this name, while it is `untouched`."""
        self.name = name
        self._overhead_ns = 0.0
        self._left_out = ()
        self._started_ns = self._origin_ns = ENGINE.clock()

    def _close(self, now_ns: int) -> OpenSpans:
        """Let no span reach it any more; returns those that are open."""
        # most tests call nothing that is decorated: for them nothing is looked for
        opened = ENGINE.open_spans(now_ns, self) if _touched(self.scopes) else {}
        ENGINE.close(self)
        return opened

    def _finish(self, now_ns: int, opened: OpenSpans) -> int:
        """Freeze what there is; returns how long that took."""
        wall_ns = now_ns - self._started_ns
        overhead_ns = self._overhead_ns
        self._wall_ns += wall_ns
        touched = _touched(self.scopes)
        used: list[Node] = []
        scopes, self.scopes = self.scopes, []
        self.running = False
        self.note_left_out(ENGINE.thinning.cuts.left_out)
        self.section_name = ""
        adding_from_ns = now_ns
        if touched:
            ENGINE.look_at_costs()
            ENGINE.thinning.learn(touched, self._started_ns, now_ns)
            adding_from_ns = ENGINE.clock()
            used = self._absorb(touched, opened)
            ENGINE.forget_paused()
        _part_with(scopes, opened)
        if self.recycles and len(touched) == 1:
            ENGINE.lanes.here().kept.keep(touched[0], used, opened)
        done_ns = ENGINE.clock()
        ENGINE.thinning.pay(
            max(wall_ns - self.idle_ns, 0),
            self._overhead_ns - overhead_ns,
            done_ns - now_ns,
            len(used),
            done_ns - adding_from_ns,
        )
        spent_ns = ENGINE.clock() - now_ns
        self._freezing_ns += spent_ns
        return spent_ns

    def __enter__(self) -> Self:
        self._start(sys._getframe(1))
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def section(self, name: str) -> None:
        """Spans that start from now on in this context are told apart under ``name``."""
        self.section_name = name
        ENGINE.start_section(self, name)

    def start_empty(self) -> None:
        """Forget what was gathered and go on: this process is a copy of the one that did."""
        self._table = PathTable()
        self._overhead_ns = 0.0
        self._dropped = 0
        self._wall_ns = 0
        self._started_ns = self._origin_ns = ENGINE.clock()
        self.scopes = []
        if self._timeline is not None:
            self._timeline = Timeline(self._timeline.limit)

    # Gathering

    def note_left_out(self, names: tuple[str, ...]) -> None:
        """Functions of these names were left out at some time while it ran."""
        self._left_out = _both(self._left_out, names)

    def add_to_timeline(self, name: str, section: str, start_ns: int, end_ns: int) -> None:
        """Keep one finished span; times are the engine's clock."""
        if self._timeline is not None and start_ns >= self._origin_ns:
            self._timeline.add(name, section, start_ns - self._origin_ns, end_ns - self._origin_ns)

    def take_over(self, scope: Scope) -> None:
        """Keep the sums of a closed scope in which nothing is open, instead of its trees."""
        self._absorb([scope], {})
        self.scopes.remove(scope)

    def exempt(self, spent_ns: int) -> None:
        """Count ``spent_ns`` as recording's own cost."""
        self._overhead_ns += spent_ns

    def _absorb(self, scopes: list[Scope], opened: OpenSpans) -> list[Node]:
        overhead_ns, nodes = add_scopes(self._table, self, scopes, opened, ENGINE.costs)
        self._overhead_ns += overhead_ns
        for scope in scopes:
            self._overhead_ns += scope.spent_ns
            self._dropped += scope.dropped
        return nodes

    def recording(self) -> Recording:
        """All that was gathered so far, frozen; open spans with their time so far."""
        if self.running and not self.untouched:
            ENGINE.calibrate()
        return self.snapshot()

    def snapshot(self) -> Recording:
        """The same at the costs that were measured last: for where nothing can be measured."""
        now_ns = ENGINE.clock()
        table, overhead_ns, dropped = self._table, self._overhead_ns, self._dropped
        wall_ns, left_out = self._wall_ns, self._left_out
        if self.running:
            left_out = _both(left_out, ENGINE.thinning.cuts.left_out)
            wall_ns += now_ns - self._started_ns
            table = table.copy()
            opened = ENGINE.open_spans(now_ns, self)
            running_ns, _ = add_scopes(table, self, self.scopes, opened, ENGINE.costs)
            overhead_ns += running_ns + sum(scope.spent_ns for scope in self.scopes)
            dropped += sum(scope.dropped for scope in self.scopes)
        cost = ENGINE.costs.code
        paths = table.rows()
        total_ns = no_less_than_calls(wall_ns - round(overhead_ns), paths)
        return Recording(
            name=self.name,
            wall_ns=wall_ns,
            total_ns=max(total_ns, 0),
            overhead=Overhead(
                round(cost.full_ns), round(cost.spread_ns), round(overhead_ns), self._freezing_ns
            ),
            paths=paths,
            timeline=tuple(self._timeline.spans()) if self._timeline else (),
            dropped_paths=dropped,
            dropped_spans=self._timeline.dropped if self._timeline else 0,
            left_out=left_out,
        )


def _part_with(scopes: list[Scope], opened: OpenSpans) -> None:
    """What was recorded in these for others that are still running is theirs from now on."""
    for scope in scopes:
        if len(scope.members) == 1 and not scope.roots:
            continue
        if idle(scope, opened):
            for member in scope.members:
                if member.running:
                    member.take_over(scope)
            settle_over(scope, ENGINE.costs)


def _touched(scopes: list[Scope]) -> list[Scope]:
    """Those in which anything was recorded."""
    return [scope for scope in scopes if scope.roots or scope.dropped]


def _both(one: tuple[str, ...], two: tuple[str, ...]) -> tuple[str, ...]:
    """The names of both, sorted; one of the two itself where it has them all: most are equal."""
    if one is two or not two:
        return one
    return two if not one else tuple(sorted({*one, *two}))
