"""What a budget allows: what recording has cost, and what has to go so that it costs no more.

It decides, and does nothing: when to look, and what becomes of it, is `thinning`'s to say.
"""

from __future__ import annotations

from .overhead import NO_OVERHEAD
from .spending import GivenUp, Prices, Spending, give_up, is_too_much, share_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .overhead import SpanCosts
    from .seen import Known

__all__ = ["Budget"]


class Budget:
    """Holds recording to a share of the program's own time.

    ``share`` is the smallest that was given, None for no limit.
    ``spending`` is what recording has cost so far.
    """

    def __init__(self) -> None:
        self.share: float | None = None
        self.forget()

    def forget(self) -> None:
        """Know nothing of what recording costs."""
        self.spending = Spending()
        self._prices = Prices(NO_OVERHEAD)
        self._idle_ns = 0.0
        self._is_settled = False

    def keep_to(self, shares: Iterable[float | None]) -> None:
        """Allow the smallest of ``shares``; all there is where each of them is None."""
        self.share = min((one for one in shares if one is not None), default=None)

    @property
    def is_settled(self) -> bool:
        """Whether nothing has to go any more, or nothing can."""
        return self.share is None or self._is_settled

    # What it costs

    def wait(self, idle_ns: float) -> None:
        """The program has run for so long and there was nothing to record: it counts all the same.

        Told before the next `pay`.
        """
        if self.share is not None:
            self._idle_ns = self.spending.wait(idle_ns)

    def spend(self, spent_ns: int) -> None:
        """So much was spent on deciding what has to go, and on looking for it."""
        self.spending.add(spent_ns)

    def pay(self, cost_ns: float, program_ns: float) -> float:
        """A capture cost so much, while it ran and after it, for ``program_ns`` of the program.

        Returns the program's time of which that tells: with what passed before, as far as that is
        taken to go on like this.
        """
        idle_ns, self._idle_ns = self._idle_ns, 0.0
        self.spending.pay(cost_ns, program_ns)
        if self.share is not None and self._is_settled and self.spending.is_over(self.share):
            # something else is going on
            self._is_settled = False
        return program_ns + idle_ns

    def note_end(self, paths: int, spent_ns: float) -> None:
        """Of what was paid for a capture so much went into adding up its ``paths``."""
        if paths:
            self._prices.note_end(paths, spent_ns)

    def pay_around(self, spent_ns: int, recorded: bool) -> None:
        """So much was done around a capture, which has ``recorded`` something or nothing."""
        if self.share is not None:
            self.spending.add(spent_ns)
            if recorded:
                self._prices.note_around(spent_ns)

    # What has to go

    def hold(
        self,
        spending: Spending,
        known: Known,
        costs: SpanCosts,
        *,
        begun: Callable[[], set[int]],
        may_leave_out: bool,
    ) -> GivenUp:
        """What has to go so that all that is ``known`` costs no more, in as much time, than is
        allowed after so much ``spending``.

        ``begun`` tells the ids of the keys of what can't go just now; it is asked only where
        something has to.
        """
        share = self.share
        if share is None:
            return GivenUp([], [])
        prices = self._prices
        prices.costs = costs
        priced = [(prices.of(one), one) for one in known.functions.values()]
        cost_ns = known.other_ns + sum(price_ns for price_ns, _ in priced)
        limit_ns = spending.limit(cost_ns, known.own_ns, share)
        self._is_settled = not is_too_much(cost_ns, limit_ns)
        if self._is_settled:
            return GivenUp([], [])
        kept = begun()
        may_leave_out = may_leave_out and spending.is_felt()
        given_up = give_up(
            [(price_ns, one) for price_ns, one in priced if id(one.key) not in kept],
            prices,
            over_ns=cost_ns - limit_ns,
            share=share_left(limit_ns, known.other_ns, known.own_ns, share),
            may_leave_out=may_leave_out,
        )
        if given_up.any:
            self.spending.forget_recent()
        elif may_leave_out:
            # all that is left are a capture's own costs, and what runs all the time
            self._is_settled = True
        return given_up
