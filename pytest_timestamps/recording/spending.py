"""What recording may still cost under a budget, and what to give up so that it keeps to it."""

from __future__ import annotations

from operator import itemgetter

from .thinned import RATE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .overhead import SpanCosts
    from .seen import Seen

__all__ = ["GivenUp", "Prices", "Spending", "give_up", "is_too_much", "share_left"]

_RECENT_NS = 200_000_000
"""What is going on lately is told by so much of the program's own time."""

_LONG_WAIT_NS = 10_000_000
"""What takes longer than that between two tests isn't what it takes between any two."""

_LEAST_NS = 20_000_000
"""Nothing is left out before recording has cost so much: that little nobody feels."""

_HORIZON_NS = 500_000_000
"""What was spent too much is saved within so much of the program's time, or as much as it ran."""

_LEAST_ALLOWED = 0.5
"""However much that is, this part of the budget may still be spent."""

_SLACK = 1.1
"""How far above what is allowed a cost may be: else a little would be cut all the time."""

_LEAST_TRUST = 0.25
"""Prices are taken to tell at least this part of the cost."""

_MANY_PATHS = 50
"""A capture with so many call paths tells what one of them costs once it is over."""

_PATH_NS = 4_000.0
"""What a call path is taken to cost before that is known."""

_FIXED_NS = 60_000.0
"""The same of a capture besides its paths."""

_OFTEN_ENOUGH = 100
"""Calls after which a function may be taken to be dear to time, and counted only."""

_OWN_SHARE = 0.25
"""What costs less than this part of the budget, in its own time, is never given up."""


class Spending:
    """What recording has cost so far, the program's own time meanwhile, and both of late.

    That is also what it takes while there is nothing to record, as between two tests.
    """

    def __init__(self) -> None:
        self.cost_ns = self.program_ns = 0.0
        self._recent_cost_ns = self._recent_program_ns = 0.0

    def pay(self, cost_ns: float, program_ns: float) -> None:
        """Recording cost so much for ``program_ns`` of the program's own time."""
        self.add(cost_ns)
        self.program_ns += program_ns
        self._recent_program_ns += program_ns
        if self._recent_program_ns > _RECENT_NS:
            self._recent_cost_ns /= 2
            self._recent_program_ns /= 2

    def wait(self, idle_ns: float) -> float:
        """For so long there was nothing to record.

        Returns what of that is taken to go on like this: as between tests, and not a session's
        start or somebody's pause.
        """
        usual_ns = min(idle_ns, _LONG_WAIT_NS)
        self.program_ns += idle_ns
        self._recent_program_ns += usual_ns
        return usual_ns

    def add(self, cost_ns: float) -> None:
        """It cost so much besides, while nothing ran."""
        self.cost_ns += cost_ns
        self._recent_cost_ns += cost_ns

    def with_running(self, cost_ns: float, program_ns: float) -> Spending:
        """All that with what is still running, which doesn't tell yet what it costs of late."""
        now = Spending()
        now.add(self.cost_ns + cost_ns)
        now.program_ns = self.program_ns + program_ns
        return now

    def forget_recent(self) -> None:
        """What is recorded is another thing from now on."""
        self._recent_cost_ns = self._recent_program_ns = 0.0

    def allowed(self, budget: float) -> float:
        """The share of the program's time to come that may be spent, so that all keeps to it."""
        debt_ns = self.cost_ns - budget * self.program_ns
        share = budget - debt_ns / max(self.program_ns, _HORIZON_NS)
        return min(max(share, _LEAST_ALLOWED * budget), budget)

    def limit(self, cost_ns: float, own_ns: float, budget: float) -> float:
        """How much may be spent in ``own_ns`` of the program's time, at prices by which that costs
        ``cost_ns``: these may be too low, as not all that recording does has a price.
        """
        limit_ns = self.allowed(budget) * own_ns
        really_ns = self.recent_share() * own_ns
        if really_ns > cost_ns > 0:
            limit_ns *= max(cost_ns / really_ns, _LEAST_TRUST)
        return limit_ns

    def is_felt(self) -> bool:
        """Has it cost so much that something may be left out for it?"""
        return self.cost_ns >= _LEAST_NS

    def recent_share(self) -> float:
        """What it has cost of late, as a share of the program's time; 0 where too little ran."""
        enough = self._recent_program_ns > _RECENT_NS / 4
        return self._recent_cost_ns / self._recent_program_ns if enough else 0.0

    def is_over(self, budget: float) -> bool:
        """Does it cost more of late than is allowed?"""
        return self.recent_share() > _SLACK * self.allowed(budget)


class Prices:
    """What recording a function costs, by how it is recorded at present.

    ``path_ns`` is what a call path costs after its capture has stopped: to add up, and to keep;
    ``fixed_ns`` is what a capture costs then whatever it has, and ``around_ns`` what is done around
    it because something was recorded.
    """

    def __init__(self, costs: SpanCosts) -> None:
        self.costs = costs
        self.path_ns = _PATH_NS
        self.fixed_ns = _FIXED_NS
        self.around_ns = 0.0

    def note_end(self, paths: int, spent_ns: float) -> None:
        """Adding up a capture with that many call paths took so long."""
        if paths >= _MANY_PATHS:
            self.path_ns = _nearer(self.path_ns, (spent_ns - self.fixed_ns) / paths)
        else:
            self.fixed_ns = _nearer(self.fixed_ns, spent_ns - paths * self.path_ns)

    def note_around(self, spent_ns: float) -> None:
        """So much was done around a capture that has recorded something."""
        self.around_ns = _nearer(self.around_ns, spent_ns) if self.around_ns else spent_ns

    def of(self, seen: Seen) -> float:
        """All that recording it costs, for as many calls, paths and captures as were seen."""
        ends_ns = seen.ends * (self.fixed_ns + self.around_ns)
        return self._calls_ns(seen) + seen.paths * self.path_ns + ends_ns

    def saved_by_counting(self, seen: Seen) -> float:
        """How much less that is once it is not timed, or no more than a sample of it."""
        site = seen.site
        if not site.may_thin or site.thinned is not None or seen.calls < _OFTEN_ENOUGH:
            return 0.0
        return max(seen.cost_ns - seen.calls * self._counted_ns(seen), 0.0)

    def _calls_ns(self, seen: Seen) -> float:
        if seen.site.thinned is None:
            return seen.cost_ns
        return (seen.calls + seen.counted) * self._counted_ns(seen)

    def _counted_ns(self, seen: Seen) -> float:
        costs = self.costs
        sampled_ns = costs.code.full_ns + costs.sampled.full_ns if seen.leaf else 0.0
        return costs.counted_ns + sampled_ns / RATE


def _nearer(known: float, seen: float) -> float:
    """What is known, nearer to what was seen: little, as a pause of the process is no cost."""
    return known + (min(max(seen, known / 2), 2 * known) - known) / 8


class GivenUp:
    """Functions to be counted only, or a sample of them timed, and functions to be left out."""

    __slots__ = ("counted", "left_out")

    def __init__(self, counted: list[Seen], left_out: list[Seen]) -> None:
        self.counted = counted
        self.left_out = left_out

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return bool(self.counted or self.left_out)


def is_too_much(cost_ns: float, limit_ns: float) -> bool:
    """Is it worth giving up something?"""
    return cost_ns > _SLACK * limit_ns


def share_left(limit_ns: float, other_ns: float, own_ns: float, budget: float) -> float:
    """The share of its own time that a function's recording may cost, where all others do so."""
    left = (limit_ns - other_ns) / own_ns if own_ns > 0 else 0.0
    return max(left, _OWN_SHARE * budget)


def give_up(
    priced: Iterable[tuple[float, Seen]],
    prices: Prices,
    *,
    over_ns: float,
    share: float,
    may_leave_out: bool,
) -> GivenUp:
    """What of the ``priced`` functions has to go to save ``over_ns``.

    What costs no more than its ``share`` of its own time stays: to give it up would hide its
    time for next to nothing. Counting is tried first; where that is not enough, those are left out
    that cost most beyond their share, as few as will do.
    """
    dear = [
        (price_ns - share * one.self_ns, price_ns, one)
        for price_ns, one in priced
        if price_ns > share * one.self_ns
    ]
    dear.sort(key=itemgetter(0), reverse=True)
    savings = [(prices.saved_by_counting(one), one) for _, _, one in dear]
    to_save_ns = sum(saved_ns for saved_ns, _ in savings)
    left = 0
    if may_leave_out:
        while left < len(dear) and over_ns > to_save_ns:
            over_ns -= dear[left][1]
            to_save_ns -= savings[left][0]
            left += 1
    return GivenUp(_count_dearest(savings[left:], over_ns), [one for _, _, one in dear[:left]])


def _count_dearest(savings: list[tuple[float, Seen]], over_ns: float) -> list[Seen]:
    """As few as save ``over_ns``, those that save most first."""
    counted: list[Seen] = []
    for saved_ns, one in sorted(savings, key=itemgetter(0), reverse=True):
        if over_ns <= 0 or not saved_ns:
            break
        counted.append(one)
        over_ns -= saved_ns
    return counted
