"""Which functions are thinned: those whose recording would distort the picture, or cost too much.

It concerns functions that nobody has decorated. By itself it takes only leaves, which call nothing
that is recorded: whatever else is timed keeps its place in the call tree. Where a budget is given
and that is not enough, functions that call others are *counted only*: from then on their time
belongs to their callers, and what they call hangs below these. Where that isn't enough either,
functions are *left out*: as if nobody had asked for them, from then on.
"""

from __future__ import annotations

from .budget import Budget
from .cuts import Cuts
from .overhead import NO_OVERHEAD
from .seen import Known, find_seen, nodes_in, refine_thinned
from .thinned import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .between_spans import Chore
    from .capture import Capture
    from .engine import Engine
    from .scope import Scope
    from .seen import Seen
    from .sites import Site
    from .spending import Spending

__all__ = ["Thinning"]

_OFTEN = 1_000
"""Calls, of those that were looked at, after which a leaf may be found to distort."""

_DISTORTS = 10
"""A leaf distorts that takes less than so many times what recording it costs."""

_LOOK_NS = 20_000_000
"""How long a program may run between two looks at what is called often."""

_SHARE = 100
"""A look may take this part of the time: larger trees are looked at less often."""

_SHARE_WHILE_OVER = 25
"""The same while recording costs more than its budget."""


class _Learned:
    """A capture that was looked at at ``now_ns``, which took ``spent_ns``: what its calls cost, as
    far as they may not be thinned.
    """

    __slots__ = ("now_ns", "other_ns", "spent_ns")

    def __init__(self, now_ns: int, spent_ns: int, other_ns: float) -> None:
        self.now_ns = now_ns
        self.spent_ns = spent_ns
        self.other_ns = other_ns


class Thinning:
    """Who is thinned, decided anew each time that enough has been seen.

    ``due_ns`` is when it is time to look again.
    ``budget`` is what recording may cost, ``cuts`` are what came of it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._starts: list[float | None] = []
        self._sites: dict[str, Site] = {}
        self.budget = Budget()
        self.cuts = Cuts(engine, self._glance)
        self._looked = False
        self.due_ns = self._judging_ns = self._looking_ns = NEVER
        self._chores: list[Chore] = []
        self._forget()

    def _forget(self) -> None:
        """Know nothing of what was seen, and of what it costs."""
        self._known = Known()
        self._learned: _Learned | None = None
        self._soon_ns = 0
        self.budget.forget()

    @property
    def active(self) -> bool:
        """Whether anything may be thinned at present."""
        return bool(self._starts)

    # What may be thinned

    def start(self, share: float | None) -> None:
        """Thin from now on what is admitted, and have recording cost no more than that share.

        Each start has its `stop`, with the same ``share`` of the program's time, None for no limit.
        What was left out before is counted again: whoever starts this has not seen it yet.
        """
        self.cuts.take_back()
        self._starts.append(share)
        self.budget.keep_to(self._starts)
        self.due_ns = self._judging_ns = self._looking_ns = 0

    def admit(self, site: Site) -> None:
        """Nobody has decorated ``site``: it may be left out, and thinned if its name is its own."""
        if site.thinned is not None and site.name not in self._sites:
            self.cuts.time_again(site)
        other = self._sites.setdefault(site.name, site)
        site.may_leave_out = True
        site.may_thin = other is site
        if other is not site:
            # a call of one can be recursion of the other
            other.may_thin = False

    def stop(self, share: float | None) -> None:
        """Undo a `start`; with the last, what is thinned stays so while it is recorded at all."""
        self._starts.remove(share)
        self.budget.keep_to(self._starts)
        if not self._starts:
            self._judging_ns = self._looking_ns = NEVER
            self.find_due()
            self.cuts.take_back()
            self._sites.clear()
            self._forget()

    def do_at_ends(self, chore: Chore) -> None:
        """Have the chore done at the end of a span, once it is due; it says when to do so next.

        Other than `Engine.do_between_spans` it can be asked for while armed, and makes no span
        dearer; but recursion, and what isn't plain, has no such ends.
        """
        if chore not in self._chores:
            self._chores.append(chore)
        self.find_due()

    # What is seen

    def prepare(self, capture: Capture) -> None:
        """Before a capture starts: what is dear can't be told without knowing the costs.

        What a timeline shall show is counted again, so that it is recorded.
        """
        if self._starts and self._engine.costs is NO_OVERHEAD:
            self._engine.look_at_costs()
        if self.cuts.any_left_out and capture.wants_timeline:
            self.cuts.take_back()

    def look(self, now_ns: int) -> None:
        """In the middle of what is recorded: judge by that too, do the chore. Never raises."""
        due = [chore for chore in self._chores if now_ns >= chore.due_ns]
        if not due or now_ns >= self._looking_ns:
            self._judge_and_rest(now_ns)
        for chore in due:
            chore.do()
        self.find_due()

    def _glance(self, now_ns: int) -> None:
        """`look`, if it is time."""
        if now_ns > self.due_ns:
            self.look(now_ns)

    def _judge_and_rest(self, now_ns: int) -> None:
        spent_ns = 0
        if self._starts:
            try:
                self._judge_running(now_ns)
            except Exception:
                self._engine.note_fault()
            spent_ns = self._engine.clock() - now_ns
            self.budget.spend(spent_ns)
            self._engine.exempt(spent_ns)
        self._rest(now_ns, spent_ns)

    def learn(self, scopes: Sequence[Scope], started_ns: int, now_ns: int) -> None:
        """A capture has stopped: judge by its ``scopes``, if it was time when it started.

        By when it stops, the long ones would be looked at, and they tell little of the others.
        So it is for one that was looked at while it ran, too: else short ones would be missed.
        """
        due = self._looked or started_ns >= self._judging_ns
        if not (due and self._starts) or self._engine.costs is NO_OVERHEAD:
            return
        self._looked = False
        began_ns = self._engine.clock()
        nodes = list(nodes_in(scopes))
        costs = self._engine.costs
        refine_thinned(nodes, costs)
        found, other_ns = find_seen(nodes, costs)
        self._judge_leaves(self._known.add(found), scopes)
        spent_ns = self._engine.clock() - began_ns
        self._learned = _Learned(now_ns, spent_ns, other_ns)
        self._rest(now_ns, spent_ns)

    def _judge_running(self, now_ns: int) -> None:
        if self._engine.costs is NO_OVERHEAD:
            return
        found, other_ns = find_seen(nodes_in(self._engine.scopes.all()), self._engine.costs)
        cost_ns = other_ns + sum(one.cost_ns for one in found.values())
        known = self._known.with_running(found, other_ns)
        self._looked = True
        self._judge_leaves(known.functions.values())
        if self.budget.share is not None:
            own_ns = max(self._running_ns(now_ns) - cost_ns, 0.0)
            known.add_time(own_ns, 0.0)
            self._hold(self.budget.spending.with_running(cost_ns, own_ns), known)

    def _running_ns(self, now_ns: int) -> float:
        """How long the outermost running capture has been running."""
        entries = list(self._engine.entries)
        return max((now_ns - entry.capture.started_ns for entry in entries), default=0)

    def _rest(self, now_ns: int, spent_ns: int) -> None:
        """Judge again after a while."""
        self._judging_ns = self._looking_ns = NEVER
        if self._starts:
            self._judging_ns = self._looking_ns = now_ns + max(_LOOK_NS, _SHARE * spent_ns)
            self._soon_ns = now_ns + _SHARE_WHILE_OVER * spent_ns
            if not self.budget.is_settled:
                self._judging_ns = self._soon_ns
        self.find_due()

    def find_due(self) -> None:
        """When is it time to look, and for what?"""
        self.due_ns = self._looking_ns
        for chore in self._chores:
            self.due_ns = min(self.due_ns, chore.due_ns)

    # What follows

    def pay(
        self, wall_ns: int, within_ns: float, after_ns: int, paths: int, adding_ns: int
    ) -> None:
        """A capture ran for ``wall_ns``, and recording cost so much within that, and after it.

        Of the latter ``adding_ns`` went into adding up its ``paths``.
        """
        budget, learned, self._learned = self.budget, self._learned, None
        if budget.share is None:
            return
        own_ns = budget.pay(within_ns + after_ns, max(wall_ns - within_ns, 0.0))
        budget.note_end(paths, adding_ns)
        if learned is None:
            if not budget.is_settled:
                self._judging_ns = min(self._judging_ns, self._soon_ns)
            return
        began_ns = self._engine.clock()
        self._known.add_time(own_ns, learned.other_ns)
        self._hold(budget.spending, self._known)
        self._known.fade()
        spent_ns = self._engine.clock() - began_ns
        budget.spend(spent_ns)
        self._rest(learned.now_ns, learned.spent_ns + spent_ns)

    def _hold(self, spending: Spending, known: Known) -> None:
        """Give up what has to go under the budget, going by what is ``known``."""
        given_up = self.budget.hold(
            spending,
            known,
            self._engine.costs,
            begun=self.cuts.begun,
            may_leave_out=self.cuts.may_leave_out,
        )
        for one in given_up.counted:
            self.cuts.thin(one)
        if given_up.left_out:
            self.cuts.leave_out(given_up.left_out)
            self._known.forget(given_up.left_out)

    def _judge_leaves(self, candidates: Collection[Seen], ended: Sequence[Scope] = ()) -> None:
        """Thin the leaves whose recording distorts the picture."""
        chosen = [
            one
            for one in candidates
            if one.leaf
            and one.calls >= _OFTEN
            and one.self_ns < _DISTORTS * one.cost_ns
            and one.site.thinned is None
        ]
        begun = self.cuts.begun() if chosen else ()
        for one in chosen:
            if id(one.key) not in begun:
                self.cuts.thin(one, ended)
