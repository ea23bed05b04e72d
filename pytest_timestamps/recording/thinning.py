"""Which functions are thinned: those whose recording would distort the picture, or cost too much.

It concerns functions that nobody has decorated. By itself it takes only leaves, which call nothing
that is recorded: whatever else is timed keeps its place in the call tree. Where a budget is given
and that is not enough, functions that call others are *counted only*: from then on their time
belongs to their callers, and what they call hangs below these.
"""

from __future__ import annotations

from .overhead import NO_OVERHEAD
from .seen import find_seen, refine_thinned
from .thinned import NEVER, RATE, Thinned
from .tree import THIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .between_spans import Chore
    from .engine import Engine
    from .scope import Scope
    from .seen import Seen
    from .sites import Site
    from .thinned import SetReturns
    from .tree import Latch

__all__ = ["Thinning"]

_OFTEN = 1_000
"""Calls, of those that were looked at, after which a leaf may be found to distort."""

_DISTORTS = 10
"""A leaf distorts that takes less than so many times what recording it costs."""

_OFTEN_ENOUGH = 100
"""Calls after which a function may be taken to keep to a budget."""

_AT_ONCE = 5
"""How many of those are taken before it is seen what came of it."""

_LOOK_NS = 20_000_000
"""How long a program may run between two looks at what is called often."""

_SHARE = 100
"""A look may take this part of the time: larger trees are looked at less often."""

_WINDOW_NS = 500_000_000
"""A budget is held about this latest part of the program's own time."""


class Thinning:
    """Who is thinned, decided anew each time that enough has been seen.

    ``due_ns`` is when it is time to look again. ``set_returns`` switches the returns of a code
    object on and off where `sys.monitoring` tells of them.
    ``budget`` is the share of the program's own time that recording may cost, None for no limit.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._starts: list[float | None] = []
        self._sites: dict[str, Site] = {}
        self._seen: dict[int, Seen] = {}
        self._looked = False
        self._cost_ns = 0.0
        self._program_ns = 0.0
        self.due_ns = self._judging_ns = NEVER
        self.set_returns: SetReturns | None = None
        self._chore: Chore | None = None

    @property
    def active(self) -> bool:
        """Whether anything may be thinned at present."""
        return bool(self._starts)

    @property
    def budget(self) -> float | None:
        """The smallest that was given."""
        return min((one for one in self._starts if one is not None), default=None)

    # What may be thinned

    def start(self, budget: float | None) -> None:
        """Thin from now on what is admitted; each start has its `stop`."""
        self._starts.append(budget)
        self.due_ns = self._judging_ns = 0

    def admit(self, site: Site) -> None:
        """The calls of ``site`` may be thinned, if no other has its name."""
        if site.thinned is not None and site.name not in self._sites:
            self._time_again(site)
        other = self._sites.setdefault(site.name, site)
        site.may_thin = other is site
        if other is not site:
            # a call of one can be recursion of the other
            other.may_thin = False

    def stop(self, budget: float | None) -> None:
        """Undo a `start`; with the last, what is thinned stays so while it is recorded at all."""
        self._starts.remove(budget)
        if not self._starts:
            self._judging_ns = NEVER
            self._wait()
            self._sites.clear()
            self._seen.clear()
            self._cost_ns = self._program_ns = 0.0

    def do_at_ends(self, chore: Chore) -> None:
        """Have the chore done at the end of a span, once it is due; it says when to do so next.

        Other than `Engine.do_between_spans` it can be asked for while armed, and makes no span
        dearer; but recursion, and what isn't plain, has no such ends.
        """
        self._chore = chore
        self._wait()

    # What is seen

    def prepare(self) -> None:
        """Before a capture starts: what is dear can't be told without knowing the costs."""
        if self._starts and self._engine.costs is NO_OVERHEAD:
            self._engine.look_at_costs()

    def look(self, now_ns: int) -> None:
        """In the middle of what is recorded: judge by that too, do the chore. Never raises."""
        chore = self._chore
        if chore is None or now_ns >= self._judging_ns:
            self._judge_and_rest(now_ns)
        if chore is not None:
            if now_ns >= chore.due_ns:
                chore.do()
            self._wait()

    def _judge_and_rest(self, now_ns: int) -> None:
        spent_ns = 0
        if self._starts:
            try:
                self._judge_running(now_ns)
            except Exception:
                self._engine.note_fault()
            spent_ns = self._engine.clock() - now_ns
            self._engine.exempt(spent_ns)
        self._rest(now_ns, spent_ns)

    def learn(self, scopes: Sequence[Scope], now_ns: int, wall_ns: int) -> None:
        """A capture that ran for ``wall_ns`` has stopped: judge by its ``scopes``, if it is time.

        So it is for one that was looked at while it ran, too: else short ones would be missed.
        """
        due = self._looked or now_ns >= self._judging_ns
        if not (due and self._starts) or self._engine.costs is NO_OVERHEAD:
            return
        self._looked = False
        began_ns = self._engine.clock()
        refine_thinned(scopes, self._engine.costs)
        found = find_seen(scopes, self._engine.costs)
        over = self._is_over(sum(one.cost_ns for one in found.values()), wall_ns)
        for key, seen in found.items():
            known = self._seen.get(key)
            if known is None or known.key is not seen.key:
                self._seen[key] = seen
            else:
                known.merge(seen)
        self._judge([self._seen[key] for key in found], over, scopes)
        self._rest(now_ns, self._engine.clock() - began_ns)

    def _judge_running(self, now_ns: int) -> None:
        if self._engine.costs is NO_OVERHEAD:
            return
        found = find_seen(self._engine.scopes.all(), self._engine.costs)
        over = self._is_over(sum(one.cost_ns for one in found.values()), self._running_ns(now_ns))
        for key, seen in found.items():
            known = self._seen.get(key)
            if known is not None and known.key is seen.key:
                seen.merge(known)
        self._looked = True
        self._judge(found.values(), over)

    def _rest(self, now_ns: int, spent_ns: int) -> None:
        """Judge again after a while."""
        rest_ns = max(_LOOK_NS, _SHARE * spent_ns)
        self._judging_ns = now_ns + rest_ns if self._starts else NEVER
        self._wait()

    def _wait(self) -> None:
        chore_ns = NEVER if self._chore is None else self._chore.due_ns
        self.due_ns = min(self._judging_ns, chore_ns)

    def pay(self, cost_ns: float, wall_ns: int) -> None:
        """A capture that ran for ``wall_ns`` cost that much, what came after it included."""
        if self.budget is None:
            return
        self._cost_ns += cost_ns
        self._program_ns += max(wall_ns - cost_ns, 0.0)
        if self._program_ns > _WINDOW_NS:
            self._cost_ns /= 2
            self._program_ns /= 2

    def _running_ns(self, now_ns: int) -> float:
        """How long the outermost running capture has been running."""
        entries = list(self._engine.entries)
        return max((now_ns - entry.capture.started_ns for entry in entries), default=0)

    def _is_over(self, cost_ns: float, wall_ns: float) -> bool:
        budget = self.budget
        if budget is None:
            return False
        own_ns = self._program_ns + max(wall_ns - cost_ns, 0.0)
        return self._cost_ns + cost_ns > budget * own_ns

    # What follows

    def _judge(self, candidates: Collection[Seen], over: bool, ended: Sequence[Scope] = ()) -> None:
        short_ns = _DISTORTS * self._engine.costs.code.full_ns
        chosen = [
            one
            for one in candidates
            if one.leaf and one.calls >= _OFTEN and one.self_ns < short_ns * one.calls
        ]
        if over:
            rest = [one for one in candidates if one not in chosen and self._is_dear(one)]
            rest.sort(key=lambda one: one.cost_ns, reverse=True)
            chosen += rest[:_AT_ONCE]
        if not chosen:
            return
        lanes = self._engine.lanes
        # their ends have to be told
        begun = {id(span[0].key) for lane in list(lanes.in_use) for span in lane.open_spans(0)}
        begun |= {id(one.key) for group in list(lanes.paused.values()) for one in group}
        for one in chosen:
            if id(one.key) not in begun:
                self._thin(one, ended)

    def _is_dear(self, one: Seen) -> bool:
        """Is it called often, and does recording cost more of its own time than the budget's part?

        What keeps to the budget by itself is timed: else its time would be hidden for next to
        nothing.
        """
        budget = self.budget or 0.0
        return one.calls >= _OFTEN_ENOUGH and one.cost_ns > budget * one.self_ns

    def _thin(self, seen: Seen, ended: Sequence[Scope]) -> None:
        site = seen.site
        if site.thinned is not None or not site.may_thin:
            return
        returns = None if seen.key is site else self.set_returns
        thinned = Thinned(seen.key, site, RATE if seen.leaf else None, returns)
        thinned.calls, thinned.self_ns = seen.calls, seen.self_ns
        site.thinned = thinned
        for latch in self._latches(site, ended):
            latch.use(THIN)
        if returns is not None:
            returns(seen.key, False)
        self._seen.pop(id(seen.key), None)

    def _time_again(self, site: Site) -> None:
        """Time all calls of ``site``, a wrapper's, which was thinned before all was stopped."""
        site.thinned = None
        for latch in self._latches(site, ()):
            latch.use(latch.own)

    def _latches(self, site: Site, ended: Sequence[Scope]) -> list[Latch]:
        """All latches of ``site`` in trees that are written, may be again, or have ``ended``."""
        engine = self._engine
        roots = [root for scope in engine.scopes.all() for root in list(scope.roots)]
        roots += engine.lanes.kept_roots()
        roots += [root for scope in ended for root in scope.roots]
        return [latch for root in roots for latch in root.latches.get(site.name, ())]
