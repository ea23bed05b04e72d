"""What recording may cost under a budget, and what has to go so that it costs no more."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.budget import Budget
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.overhead import NO_OVERHEAD
from pytest_timestamps.recording.seen import Known, Seen
from pytest_timestamps.recording.sites import Site
from pytest_timestamps.recording.spending import GivenUp, Spending
from pytest_timestamps.recording.thinning import Thinning

from .support import FakeClock, row
from .thinned import admitted, is_thinned

# What may be spent


def test_time_without_anything_to_record_is_the_sessions_too() -> None:
    """As between tests; of a long wait no more than a little is taken to go on like that."""
    spending = Spending()
    spending.pay(30_000_000, 100_000_000)
    assert spending.recent_share() == 0.3
    assert spending.allowed(0.1) == pytest.approx(0.1 - 0.02 / 0.5)
    assert spending.wait(2_000_000) == 2_000_000
    assert spending.wait(900_000_000) == 10_000_000
    assert spending.recent_share() == 30 / 112
    assert spending.allowed(0.1) == 0.1


def test_what_was_spent_too_much_is_saved_later() -> None:
    """Half of the budget may be spent at least, and never more than it."""
    spending = Spending()
    spending.pay(0.0, 1e9)
    assert spending.allowed(0.1) == 0.1
    spending.pay(120e6, 0.0)
    assert spending.allowed(0.1) == pytest.approx(0.08)
    spending.pay(900e6, 0.0)
    assert spending.allowed(0.1) == pytest.approx(0.05)


def test_prices_that_tell_too_little_count_for_more() -> None:
    """What recording really costs of late is what has to be saved, as far as prices are trusted."""
    spending = Spending()
    spending.pay(10e6, 100e6)
    assert spending.limit(cost_ns=10.0, own_ns=100.0, budget=0.1) == pytest.approx(10.0)
    assert spending.limit(cost_ns=5.0, own_ns=100.0, budget=0.1) == pytest.approx(5.0)
    assert spending.limit(cost_ns=1.0, own_ns=100.0, budget=0.1) == pytest.approx(2.5)
    spending.forget_recent()
    assert spending.limit(cost_ns=1.0, own_ns=100.0, budget=0.1) == pytest.approx(10.0)


def test_what_is_running_counts_as_well() -> None:
    """With all that was spent before it; what it costs of late can't be told from that."""
    spending = Spending()
    spending.pay(30e6, 100e6)
    now = spending.with_running(5e6, 20e6)
    assert (now.cost_ns, now.program_ns, now.recent_share()) == (35e6, 120e6, 0.0)
    assert (spending.cost_ns, spending.program_ns) == (30e6, 100e6)


# What was seen of late


def seen(name: str, *, calls: int, cost_ns: float, self_ns: float = 0.0) -> Seen:
    """So much was seen on one path of a function that may be thinned."""
    site = Site(name, "code")
    site.may_thin = site.may_leave_out = True
    one = Seen(name, site)
    one.calls, one.cost_ns, one.self_ns, one.paths = float(calls), cost_ns, self_ns, 1.0
    return one


def by_key(*known: Seen) -> dict[int, Seen]:
    return {id(one.key): one for one in known}


def test_what_is_running_is_added_to_what_is_known() -> None:
    """And leaves that as it is: the capture tells it once more when it is over."""
    known = Known()
    known.add(by_key(seen("f", calls=3, cost_ns=30), seen("g", calls=1, cost_ns=10)))
    known.add_time(own_ns=500, other_ns=7)
    found = by_key(seen("f", calls=2, cost_ns=20), seen("h", calls=5, cost_ns=50))
    both = known.with_running(found, other_ns=2)
    assert figures(both) == {"f": (5, 50, 2), "g": (1, 10, 1), "h": (5, 50, 1)}
    assert (both.own_ns, both.other_ns) == (500, 9)
    assert figures(known) == {"f": (3, 30, 1), "g": (1, 10, 1)}
    assert (known.own_ns, known.other_ns) == (500, 7)


def figures(known: Known) -> dict[Any, tuple[float, float, float]]:
    """Calls, cost and paths, by name."""
    return {one.key: (one.calls, one.cost_ns, one.paths) for one in known.functions.values()}


def test_what_was_seen_long_ago_fades() -> None:
    """By half whenever the program has run for 100 ms, until it is forgotten."""
    known = Known()
    known.add(by_key(seen("f", calls=8, cost_ns=80)))
    known.add_time(own_ns=100e6, other_ns=6)
    known.fade()
    assert figures(known) == {"f": (8, 80, 1)}
    known.add_time(own_ns=100e6, other_ns=0)
    known.fade()
    assert figures(known) == {"f": (4, 40, 0.5)}
    assert (known.own_ns, known.other_ns) == (100e6, 3)
    for _ in range(4):
        known.add_time(own_ns=100e6, other_ns=0)
        known.fade()
    assert figures(known) == {}


# What has to go


class Held:
    """A budget of a tenth, held by what is known of the last 100 ms; ``asked`` counts `begun`."""

    def __init__(self, *known: Seen, other_ns: float = 0.0) -> None:
        self.budget = Budget()
        self.budget.keep_to([None, 0.5, 0.1])
        self.begun: set[int] = set()
        self.asked = 0
        self._known = Known()
        self._known.add(by_key(*known))
        self._known.add_time(100e6, other_ns)
        prices = self.budget._prices
        prices.path_ns = prices.fixed_ns = 0.0

    def hold(self, may_leave_out: bool = True) -> GivenUp:
        budget = self.budget
        return budget.hold(
            budget.spending, self._known, NO_OVERHEAD, begun=self._ask, may_leave_out=may_leave_out
        )

    def _ask(self) -> set[int]:
        self.asked += 1
        return self.begun


def test_what_keeps_to_the_budget_has_nothing_go() -> None:
    """Nor is anybody asked what could go; it may be a tenth more."""
    held = Held(seen("f", calls=1_000, cost_ns=9e6), other_ns=1.9e6)
    assert not held.budget.is_settled
    assert not held.hold().any
    assert (held.budget.is_settled, held.asked) == (True, 0)


def test_what_has_begun_can_not_go() -> None:
    """Its end has to be told; another that costs less goes in its place."""
    dear, other = seen("f", calls=1_000, cost_ns=8e6), seen("g", calls=1_000, cost_ns=4e6)
    held = Held(dear, other)
    assert held.hold().counted == [dear]
    held.begun = {id(dear.key)}
    assert held.hold().counted == [other]
    assert (held.budget.is_settled, held.asked) == (False, 2)


@pytest.mark.parametrize("may_leave_out", [True, False])
def test_where_nothing_can_go_it_is_settled(may_leave_out: bool) -> None:
    """But for what a running timeline keeps: that may go once the timeline is over."""
    held = Held(other_ns=50e6)
    assert not held.hold(may_leave_out).any
    assert not held.budget.is_settled
    held.budget.pay(50e6, 100e6)
    assert not held.hold(may_leave_out).any
    assert held.budget.is_settled is may_leave_out


def test_what_costs_more_of_late_is_looked_into_again() -> None:
    """Something else is going on than when it was settled."""
    held = Held(seen("f", calls=1_000, cost_ns=9e6))
    held.budget.pay(9e6, 100e6)
    assert not held.hold().any
    assert held.budget.is_settled
    held.budget.pay(14e6, 100e6)
    assert not held.budget.is_settled


def test_without_a_limit_all_is_settled() -> None:
    """Nothing is held, and nothing that passes is paid for later."""
    held = Held(seen("f", calls=1_000, cost_ns=50e6))
    held.budget.keep_to([None, None])
    held.budget.wait(1_000_000)
    held.budget.pay_around(1_000, recorded=True)
    assert held.budget.is_settled
    assert not held.hold().any
    assert (held.budget.spending.cost_ns, held.budget.spending.program_ns) == (0, 0)


def test_what_goes_begins_another_time() -> None:
    """What recording costs of late is told by what is recorded from then on."""
    held = Held(seen("f", calls=1_000, cost_ns=50e6))
    held.budget.pay(50e6, 100e6)
    assert held.budget.spending.recent_share() == 0.5
    assert held.hold().counted
    assert held.budget.spending.recent_share() == 0.0


def test_to_decide_costs_something_too() -> None:
    """And where no path was added up, that tells nothing of what that takes."""
    budget = Budget()
    budget.keep_to([0.1])
    budget.spend(700)
    price_ns = budget._prices.fixed_ns
    budget.note_end(0, 10**9)
    assert (budget.spending.cost_ns, budget._prices.fixed_ns) == (700, price_ns)
    budget.note_end(1, 10**9)
    assert budget._prices.fixed_ns > price_ns


def test_idle_time_before_a_capture_is_paid_for_once() -> None:
    """It belongs to what the next capture tells; of a long wait only what is usual does."""
    budget = Budget()
    budget.keep_to([0.1])
    budget.wait(30_000_000)
    assert budget.pay(1e6, 5e6) == 15e6
    assert budget.pay(1e6, 5e6) == 5e6
    assert budget.spending.program_ns == 40e6


# What becomes of it


@pytest.mark.parametrize(("takes_ns", "over"), [(3_900, True), (5_000, False)])
def test_over_budget_a_leaf_is_thinned_though_it_distorts_nothing(
    budget: float, busy: Any, clock: FakeClock, takes_ns: int, over: bool
) -> None:
    """Of 3,900 ns a span's 400 are more than a tenth of the rest, of 5,000 they aren't."""
    leaf, caller = busy(takes_ns)
    for _ in range(2):
        with Capture():
            caller(400)
        clock.work(20_000_000)
    assert is_thinned(leaf) is over
    assert not is_thinned(caller)


def test_time_without_anything_to_record_keeps_within_the_budget(
    budget: float, busy: Any, clock: FakeClock
) -> None:
    """What would be thinned for its 400 ns in 3,900 is timed where the session has more time."""
    leaf, caller = busy(3_900)
    for _ in range(2):
        with Capture():
            caller(400)
            ENGINE.thinning.budget.wait(1_000_000)
        clock.work(20_000_000)
    assert not is_thinned(leaf)


def test_over_budget_a_function_that_calls_others_is_only_counted(
    budget: float, clock: FakeClock
) -> None:
    """Its time goes to its caller, and the report says so."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(200)

    @timestamp(name="middle")
    def middle() -> None:
        leaf()

    @timestamp(name="caller")
    def caller() -> None:
        for _ in range(400):
            middle()

    admitted(middle)
    for _ in range(3):
        with Capture() as capture:
            caller()
        clock.work(20_000_000)
    stats = row(capture, "caller/middle")
    assert (stats.calls, stats.untimed, stats.total_ns) == (400, 400, 0)
    assert row(capture, "caller/leaf").calls == 400


def test_what_keeps_to_the_budget_by_itself_is_timed(budget: float, clock: FakeClock) -> None:
    """Not to time it would hide where the time goes, and save next to nothing."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1_000)

    @timestamp(name="big")
    def big() -> None:
        clock.work(100_000)
        leaf()

    admitted(big)
    for _ in range(3):
        with Capture() as capture:
            for _ in range(200):
                big()
                for _ in range(50):
                    leaf()
        clock.work(20_000_000)
    spending = ENGINE.thinning.budget.spending
    assert spending.cost_ns > budget * spending.program_ns
    assert row(capture, "big")[4:] == (200, 0, 0, *row(capture, "big")[7:12], 0, 0)
    assert not is_thinned(big)


def test_a_long_test_is_held_to_its_budget_while_it_runs(budget: float, busy: Any) -> None:
    """Nobody waits for its end."""
    leaf, caller = busy(3_900)
    with Capture() as capture:
        for _ in range(300):
            caller(90)
    assert is_thinned(leaf)
    assert row(capture, "leaf caller/leaf").estimated > 10_000


def test_a_long_test_that_keeps_to_its_budget_is_timed(budget: float, busy: Any) -> None:
    """What it has cost so far is held against how long it has run so far."""
    leaf, caller = busy(5_000)
    with Capture():
        for _ in range(300):
            caller(90)
    assert not is_thinned(leaf)


def test_calls_of_long_ago_count_for_less(budget: float, busy: Any, clock: FakeClock) -> None:
    """Of 600 in the last test only half are left: with 600 more these are not often."""
    leaf, caller = busy(1_000)
    for _ in range(2):
        with Capture():
            caller(600)
            clock.work(150_000_000)
        clock.work(20_000_000)
    assert not is_thinned(leaf)


def test_what_costs_too_much_all_of_a_sudden_is_looked_at_soon(
    budget: float, busy: Any, clock: FakeClock
) -> None:
    """Nobody waits 20 ms for that, though nothing had to go before."""
    leaf, caller = busy(100)
    with Capture():
        caller(1)
        clock.work(60_000_000)
    found = []
    for _ in range(2):
        with Capture():
            caller(18_000)
        found.append(is_thinned(leaf))
    assert found == [False, True]


def test_what_the_end_of_a_capture_takes_is_learned(thinning: Thinning, busy: Any) -> None:
    """Less than was taken for granted, by a clock that stands still meanwhile."""
    thinning.start(0.1)
    prices = thinning.budget._prices
    before_ns = prices.fixed_ns
    _, caller = busy(5_000)
    with Capture():
        caller(1)
    thinning.stop(0.1)
    assert prices.fixed_ns < before_ns


def test_what_it_takes_to_decide_is_paid_for(
    budget: float, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a capture is over, and in the midst of it: both are judged here, by no call yet."""
    asked_ns: list[int] = []

    def begun() -> set[int]:
        asked_ns.append(clock.now_ns)
        clock.work(1_000_000)
        return set()

    @timestamp(name="dear")
    def dear() -> None:
        clock.work(100)

    monkeypatch.setattr(ENGINE.thinning.cuts, "begun", begun)
    with Capture():
        for _ in range(400):
            dear()
    assert len(asked_ns) == 2
    assert ENGINE.thinning.budget.spending.cost_ns == 400 * 400 + 2 * 1_000_000


def test_of_several_budgets_the_smallest_holds(thinning: Thinning) -> None:
    """Each lasts until it is given back."""
    assert thinning.budget.share is None
    thinning.start(0.2)
    thinning.start(0.1)
    assert thinning.budget.share == 0.1
    thinning.stop(0.1)
    assert thinning.budget.share == 0.2
    thinning.stop(0.2)
