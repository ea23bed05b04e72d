"""Which functions are thinned: those whose recording would distort the picture, or cost too much.

It concerns functions that nobody has decorated. By itself it takes only leaves, which call nothing
that is recorded: whatever else is timed keeps its place in the call tree. Where a budget is given
and that is not enough, functions that call others are *counted only*: from then on their time
belongs to their callers, and what they call hangs below these. Where that isn't enough either,
functions are *left out*: as if nobody had asked for them, from then on.
"""

from __future__ import annotations

from .cuts import Cuts
from .overhead import NO_OVERHEAD
from .seen import find_seen, nodes_in, refine_thinned
from .spending import GivenUp, Prices, Spending, give_up, is_too_much, share_left
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

_WINDOW_NS = 100_000_000
"""What was seen in the latest part of the program's own time, as far as it was looked at, tells
what recording will cost.
"""


_FADED = 0.05
"""What has been seen on fewer paths of late is forgotten."""


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
    ``budget`` is the share of the program's own time that recording may cost, the smallest that was
    given, None for no limit.
    ``cuts`` are what came of it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._starts: list[float | None] = []
        self.budget: float | None = None
        self._sites: dict[str, Site] = {}
        self._seen: dict[int, Seen] = {}
        self.cuts = Cuts(engine, self._glance)
        self._looked = False
        self.due_ns = self._judging_ns = self._looking_ns = NEVER
        self._forget()
        self._chore: Chore | None = None

    def _forget(self) -> None:
        """Know nothing of what recording costs."""
        self._seen.clear()
        self._spending = Spending()
        self._prices = Prices(NO_OVERHEAD)
        self._learned: _Learned | None = None
        self._other_ns = self._own_ns = self._idle_ns = 0.0
        self._is_settled = False
        self._soon_ns = 0

    @property
    def active(self) -> bool:
        """Whether anything may be thinned at present."""
        return bool(self._starts)

    # What may be thinned

    def start(self, budget: float | None) -> None:
        """Thin from now on what is admitted; each start has its `stop`.

        What was left out before is counted again: whoever starts this has not seen it yet.
        """
        self.cuts.take_back()
        self._starts.append(budget)
        self._find_budget()
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

    def stop(self, budget: float | None) -> None:
        """Undo a `start`; with the last, what is thinned stays so while it is recorded at all."""
        self._starts.remove(budget)
        self._find_budget()
        if not self._starts:
            self._judging_ns = self._looking_ns = NEVER
            self._wait()
            self.cuts.take_back()
            self._sites.clear()
            self._forget()

    def _find_budget(self) -> None:
        self.budget = min((one for one in self._starts if one is not None), default=None)

    def do_at_ends(self, chore: Chore) -> None:
        """Have the chore done at the end of a span, once it is due; it says when to do so next.

        Other than `Engine.do_between_spans` it can be asked for while armed, and makes no span
        dearer; but recursion, and what isn't plain, has no such ends.
        """
        self._chore = chore
        self._wait()

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
        chore = self._chore
        if chore is None or now_ns >= self._looking_ns:
            self._judge_and_rest(now_ns)
        if chore is not None:
            if now_ns >= chore.due_ns:
                chore.do()
            self._wait()

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
            self._spending.add(spent_ns)
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
        for key, seen in found.items():
            known = self._seen.get(key)
            if known is None or known.key is not seen.key:
                self._seen[key] = seen
            else:
                known.merge(seen)
        self._judge_leaves([self._seen[key] for key in found], scopes)
        spent_ns = self._engine.clock() - began_ns
        self._learned = _Learned(now_ns, spent_ns, other_ns)
        self._rest(now_ns, spent_ns)

    def _judge_running(self, now_ns: int) -> None:
        if self._engine.costs is NO_OVERHEAD:
            return
        found, other_ns = find_seen(nodes_in(self._engine.scopes.all()), self._engine.costs)
        actual_ns = other_ns + sum(one.cost_ns for one in found.values())
        for key, known in list(self._seen.items()):
            seen = found.get(key)
            if seen is None:
                found[key] = known
            elif known.key is seen.key:
                seen.merge(known)
        self._looked = True
        self._judge_leaves(found.values())
        if self.budget is not None:
            own_ns = max(self._running_ns(now_ns) - actual_ns, 0.0)
            now = Spending()
            now.add(self._spending.cost_ns + actual_ns)
            now.program_ns = self._spending.program_ns + own_ns
            self._hold(now, found.values(), self._other_ns + other_ns, self._own_ns + own_ns)

    def _rest(self, now_ns: int, spent_ns: int) -> None:
        """Judge again after a while."""
        self._judging_ns = self._looking_ns = NEVER
        if self._starts:
            self._judging_ns = self._looking_ns = now_ns + max(_LOOK_NS, _SHARE * spent_ns)
            self._soon_ns = now_ns + _SHARE_WHILE_OVER * spent_ns
            if self.budget is not None and not self._is_settled:
                self._judging_ns = self._soon_ns
        self._wait()

    def _wait(self) -> None:
        chore_ns = NEVER if self._chore is None else self._chore.due_ns
        self.due_ns = min(self._looking_ns, chore_ns)

    # What it may cost

    def wait(self, idle_ns: float) -> None:
        """The program has run for so long and there was nothing to record: it counts all the same.

        Told before the next `pay`.
        """
        if self.budget is not None:
            self._idle_ns = self._spending.wait(idle_ns)

    def pay(
        self, wall_ns: int, within_ns: float, after_ns: int, paths: int, adding_ns: int
    ) -> None:
        """A capture ran for ``wall_ns``, and recording cost so much within that, and after it.

        Of the latter ``adding_ns`` went into adding up its ``paths``.
        """
        budget, learned, self._learned = self.budget, self._learned, None
        if budget is None:
            return
        program_ns = max(wall_ns - within_ns, 0.0)
        idle_ns, self._idle_ns = self._idle_ns, 0.0
        self._spending.pay(within_ns + after_ns, program_ns)
        if paths:
            self._prices.note_end(paths, adding_ns)
        if learned is None:
            if self._is_settled and self._spending.is_over(budget):
                # something else is going on
                self._is_settled = False
                self._judging_ns = min(self._judging_ns, self._soon_ns)
            return
        began_ns = self._engine.clock()
        self._other_ns += learned.other_ns
        self._own_ns += program_ns + idle_ns
        self._hold(self._spending, self._seen.values(), self._other_ns, self._own_ns)
        if self._own_ns > _WINDOW_NS:
            self._other_ns /= 2
            self._own_ns /= 2
            self._fade()
        spent_ns = self._engine.clock() - began_ns
        self._spending.add(spent_ns)
        self._rest(learned.now_ns, learned.spent_ns + spent_ns)

    def pay_around(self, spent_ns: int, recorded: bool) -> None:
        """So much was done around a capture, which has ``recorded`` something or nothing."""
        if self.budget is not None:
            self._spending.add(spent_ns)
            if recorded:
                self._prices.note_around(spent_ns)

    def _fade(self) -> None:
        for key, seen in list(self._seen.items()):
            seen.fade()
            if seen.paths < _FADED:
                del self._seen[key]

    def _running_ns(self, now_ns: int) -> float:
        """How long the outermost running capture has been running."""
        entries = list(self._engine.entries)
        return max((now_ns - entry.capture.started_ns for entry in entries), default=0)

    def _hold(
        self, spending: Spending, known: Collection[Seen], other_ns: float, own_ns: float
    ) -> None:
        """Have what was seen cost no more, in as much time, than is allowed."""
        budget = self.budget
        if budget is None:
            return
        prices = self._prices
        prices.costs = self._engine.costs
        priced = [(prices.of(one), one) for one in known]
        cost_ns = other_ns + sum(price_ns for price_ns, _ in priced)
        limit_ns = spending.limit(cost_ns, own_ns, budget)
        self._is_settled = not is_too_much(cost_ns, limit_ns)
        if self._is_settled:
            return
        begun = self.cuts.begun()
        may_leave_out = spending.is_felt() and not self._is_timeline_running()
        given_up = give_up(
            [(price_ns, one) for price_ns, one in priced if id(one.key) not in begun],
            prices,
            over_ns=cost_ns - limit_ns,
            share=share_left(limit_ns, other_ns, own_ns, budget),
            may_leave_out=may_leave_out,
        )
        if given_up.any:
            self._spending.forget_recent()
            self._give_up(given_up)
        elif may_leave_out:
            # all that is left are a capture's own costs, and what runs all the time
            self._is_settled = True

    def _give_up(self, given_up: GivenUp) -> None:
        for one in given_up.counted:
            self.cuts.thin(one)
        if given_up.left_out:
            self.cuts.leave_out(given_up.left_out)
            for one in given_up.left_out:
                self._seen.pop(id(one.key), None)

    def _is_timeline_running(self) -> bool:
        return any(entry.capture.wants_timeline for entry in list(self._engine.entries))

    # What follows

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
