"""What others got wrong with the Usage API, each as a test; numbered as in our own list."""

from __future__ import annotations

import pytest

from pytest_timestamps.tokens.reconcile.policy import Policy
from pytest_timestamps.tokens.record import FailureKind, Status
from pytest_timestamps.tokens.usage import TokenCounts
from tests.tokens.reconcile.world import KEY, NOON_S, Call, World, observed_of

END_S = NOON_S + 60
MIN = 60
ONE = TokenCounts(1, 100, 20, 0)


def test_01_a_repeating_cursor_is_a_failed_query(world: World) -> None:
    """It neither hangs nor counts a page twice."""
    run = world.add_run()
    world.sandbox.faults.add("repeated_cursor", "*/usage/completions", times=None)
    world.reconcile(END_S + 30 * MIN)
    now = world.read(run)
    assert now.status is Status.FAILED
    assert now.reported.is_zero
    assert "came again" in str(now.reconciliation.attempts[0].error) or "answered twice" in str(
        now.reconciliation.attempts[0].error
    )


def test_02_all_pages_are_read(world: World) -> None:
    """A run longer than a page, and than a day, is counted whole."""
    world.sandbox.core.books.page_size = 400
    calls = tuple(Call(after_s) for after_s in range(0, 26 * 3_600, 3_600))
    run = world.add_run(duration_s=26 * 3_600, calls=calls)
    end_s = NOON_S + 26 * 3_600
    world.reconcile(end_s + 30 * MIN)
    world.reconcile(end_s + 65 * MIN)
    assert world.read(run).reported.calls == 26
    assert world.read(run).status is Status.VERIFIED


@pytest.mark.parametrize("kind", ["html", "truncated_json", "server_error", "reset", "bad_gateway"])
def test_03_errors_never_become_zeros(world: World, kind: str) -> None:
    """Good totals stay, and the attempt says what happened."""
    run = world.add_run()
    world.reconcile(END_S + 30 * MIN)
    world.sandbox.faults.add(kind, times=None)
    world.reconcile(END_S + 40 * MIN)
    now = world.read(run)
    assert now.reported == ONE
    assert now.reconciliation.attempts[-1].error
    world.sandbox.faults.clear()
    world.reconcile(END_S + 65 * MIN)
    assert world.read(run).status is Status.VERIFIED


def test_04_nothing_where_data_was_is_a_hiccup(world: World) -> None:
    """Recorded, believed by nobody, and the chain starts over."""
    run = world.add_run()
    world.reconcile(END_S + 30 * MIN)
    world.sandbox.faults.add("zeros", times=2)
    world.reconcile(END_S + 65 * MIN)
    assert world.read(run).status is Status.DATA_NOT_AVAILABLE
    assert world.read(run).reported == ONE
    world.reconcile(END_S + 95 * MIN)
    assert world.read(run).status is Status.PENDING
    world.reconcile(END_S + 125 * MIN)
    assert world.read(run).status is Status.VERIFIED


def test_05_the_minute_before_a_run_is_its_neighbours(world: World) -> None:
    """Padding the start would count what was used before it."""
    run = world.add_run()
    world.serve(Call(-1, 5_000), NOON_S)
    world.reconcile(END_S + 30 * MIN)
    assert world.read(run).reported == ONE


def test_06_reads_in_quick_succession_are_not_stability(world: World) -> None:
    """Three reads in 12 seconds are one counted read; polling on doesn't put the second one off."""
    run = world.add_run()
    start_s = END_S + 70 * MIN
    for at_s in (start_s, start_s + 6, start_s + 12):
        world.reconcile(at_s)
    now = world.read(run)
    assert now.status is Status.PENDING
    assert [a.counted for a in now.reconciliation.attempts] == [True, False, False]
    for minutes in range(2, 30, 4):
        world.reconcile(start_s + minutes * MIN)
    world.reconcile(start_s + 30 * MIN)
    assert world.read(run).status is Status.VERIFIED


def test_07_stability_is_judged_on_all_counters(world: World) -> None:
    """A late call of the same sums but other cached tokens starts a new chain."""
    run = world.add_run(calls=(Call(),), observed=observed_of((Call(),), complete=False))
    world.reconcile(END_S + 65 * MIN)
    world.serve(Call(30, 0, 0), NOON_S)  # a call without tokens: only the calls differ
    world.reconcile(END_S + 95 * MIN)
    assert world.read(run).status is Status.PENDING


def test_08_buckets_are_minutes(world: World) -> None:
    """A run of minutes is never asked for in hours or days."""
    world.add_run()
    world.sandbox.clock.move_to(END_S + 30 * MIN)
    for query in world.reconciler().plan().queries:
        assert query.params()["bucket_width"] == "1m"
        assert (query.window.start_s, query.window.end_s) == (NOON_S, END_S + 5 * MIN)


def test_09_a_verified_file_has_its_cost(world: World) -> None:
    """The cost changes with the figure, and is that of the figure."""
    calls = (Call(5, 600_000, 100_000, 400_000), Call(9, 400_000, 0, 0))
    run = world.add_run(calls=calls)
    world.reconcile(END_S + 30 * MIN)
    world.reconcile(END_S + 65 * MIN)
    now = world.read(run)
    assert now.status is Status.VERIFIED
    # 600,000 fresh at 0.15, 400,000 cached at 0.075, 100,000 output at 0.60 a million.
    assert now.cost_usd == pytest.approx(0.18)


def test_10_there_is_one_status(world: World) -> None:
    """The run's status is always its last attempt's."""
    run = world.add_run()
    for minutes in (30, 40, 65):
        world.reconcile(END_S + minutes * MIN)
        now = world.read(run).reconciliation
        assert now.status is now.attempts[-1].status


def test_11_cached_input_is_a_part_of_the_input(world: World) -> None:
    """It is neither added nor billed twice."""
    run = world.add_run(calls=(Call(5, 100, 20, 80),))
    world.reconcile(END_S + 30 * MIN)
    assert world.read(run).reported == TokenCounts(1, 100, 20, 80)


def test_13_a_model_without_a_price_has_no_cost(world: World) -> None:
    """Unknown is not free: the cost is null and the model is named."""
    run = world.add_run(calls=(Call(5, model="whisper-of-tomorrow"), Call(9)))
    world.reconcile(END_S + 30 * MIN)
    result = world.reconcile(END_S + 65 * MIN)
    now = world.read(run)
    assert now.status is Status.VERIFIED
    assert now.cost_usd is None
    cost = now.reconciliation.unknown["cost"]
    assert isinstance(cost, dict)
    assert cost["unpriced"] == ["whisper-of-tomorrow"]
    from pytest_timestamps.tokens.reconcile.wording import why

    assert "no price is known for whisper-of-tomorrow" in why(
        result.runs[0], result, world.ledger.root
    )


def test_14_partial_reads_before_ten_minutes_are_not_made(world: World) -> None:
    """Under default settings nothing is read in the first half hour, and once is not enough."""
    run = world.add_run(delay_s=9 * MIN)
    for minutes in (1, 5, 9, 29):
        world.reconcile(END_S + minutes * MIN)
    assert not world.read(run).reconciliation.attempts


def test_a_deficit_of_the_books_is_told_like_a_surplus(world: World) -> None:
    """Observed and never booked: the run fails, with the difference."""
    run = world.add_run(observed=observed_of((Call(), Call(9, 7, 1))))
    world.reconcile(END_S + 30 * MIN)
    world.reconcile(END_S + 65 * MIN)
    failure = world.read(run).reconciliation.failure
    assert failure is not None
    assert failure.kind is FailureKind.DISAGREES_WITH_OBSERVATION
    assert "less than what was observed" in failure.message
    assert "-1 calls, -7 input, -1 output" in failure.message


def test_a_stranger_in_a_group_is_told_by_model_and_minute(world: World) -> None:
    """The group's total is settled, no single run has a figure, and the surplus is named."""
    one = world.add_run()
    two = world.add_run(NOON_S + 30)
    world.serve(Call(200, 7, 3), NOON_S)
    policy = Policy(interval_s=0)
    world.reconcile(END_S + 70 * MIN, policy)
    world.reconcile(END_S + 71 * MIN, policy)
    for run in (one, two):
        now = world.read(run)
        assert now.reported.is_zero
        assert now.reconciliation.failure is not None
        assert "somebody else used the key" in now.reconciliation.failure.message
        assert "+1 calls, +7 input, +3 output" in now.reconciliation.failure.message
        assert "12:03 1 calls" in now.reconciliation.failure.message
        assert KEY not in now.reconciliation.failure.message
