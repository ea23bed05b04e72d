"""The state machine against its table: every case by itself, and all histories by a plain model."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_timestamps.tokens.reconcile.books import BooksRow, Reading
from pytest_timestamps.tokens.reconcile.policy import Policy
from pytest_timestamps.tokens.reconcile.proof import Proof, Refusal, Verdict
from pytest_timestamps.tokens.reconcile.state import (
    Asked,
    FailedQuery,
    NextState,
    next_read_due_s,
    next_status,
)
from pytest_timestamps.tokens.record import (
    Attribution,
    FailureKind,
    Reconciliation,
    Status,
)
from pytest_timestamps.tokens.usage import TierUsage, TokenCounts
from pytest_timestamps.tokens.window import Window

END_S = 1_000
POLICY = Policy(
    min_age_s=0, interval_s=10, checks=2, max_age_s=1_000, lag_s=5, settle_s=50
)  # settled from 1055 on
ALONE = Asked({"runs": ["a"]}, END_S, Window(960, 1_065), ("a",))
TOGETHER = Asked({"runs": ["a", "b"]}, END_S, Window(960, 1_065), ("a", "b"))
REFUSED = Refusal(FailureKind.DISAGREES_WITH_OBSERVATION, "it differs")
SHARED = Refusal(FailureKind.SHARED_WINDOW, "can't be told apart")


def reading(at_s: int, tokens: int, model: str = "m") -> Reading:
    """Books with one call of *tokens* input tokens, or with nothing."""
    if not tokens:
        return Reading(at_s)
    return Reading.of(at_s, [BooksRow(960, "k", model, TierUsage(1, tokens), "default", False)])


def proof(answer: Reading) -> Proof:
    """That the answer is the run's figure."""
    return Proof(Attribution.EXCLUSIVE, answer.totals, answer.by_model)


def after(
    *steps: tuple[int, int | None],
    asked: Asked = ALONE,
    policy: Policy = POLICY,
    refusal: Refusal | None = None,
    before: Reconciliation | None = None,
) -> NextState:
    """The state after reads of (time, tokens); None for a failed query."""
    state = NextState(before or Reconciliation())
    for at_s, tokens in steps:
        if tokens is None:
            answer: Reading | FailedQuery = FailedQuery(at_s, f"down at {at_s}")
            verdict: Verdict = None
        else:
            answer = reading(at_s, tokens)
            verdict = None if not tokens else refusal or proof(answer)
        state = next_status(state.reconciliation, asked, answer, verdict, policy)
    return state


TABLE = [
    ("no data", [(1_010, 0)], Status.DATA_NOT_AVAILABLE),
    ("data, one read", [(1_060, 5)], Status.PENDING),
    ("two reads, settled", [(1_050, 5), (1_060, 5)], Status.VERIFIED),
    ("two reads, the last just not settled", [(1_040, 5), (1_054, 5)], Status.PENDING),
    ("two reads, the last just settled", [(1_040, 5), (1_055, 5)], Status.VERIFIED),
    ("two reads, the second early", [(1_060, 5), (1_069, 5)], Status.PENDING),
    ("an early read doesn't reset the clock", [(1_060, 5), (1_069, 5), (1_070, 5)],
     Status.VERIFIED),
    ("an early read that differs ends the chain", [(1_060, 5), (1_065, 6), (1_070, 6)],
     Status.PENDING),
    ("an early read that differs, then back", [(1_060, 5), (1_065, 6), (1_070, 5)],
     Status.PENDING),
    ("a changed read starts over", [(1_060, 5), (1_070, 6)], Status.PENDING),
    ("a changed read, then the same", [(1_060, 5), (1_070, 6), (1_080, 6)], Status.VERIFIED),
    ("a decrease starts over", [(1_060, 6), (1_070, 5)], Status.PENDING),
    ("a failed query", [(1_060, None)], Status.FAILED),
    ("a failed query doesn't end the chain", [(1_060, 5), (1_065, None), (1_070, 5)],
     Status.VERIFIED),
    ("a failed query doesn't move the clock", [(1_060, 5), (1_065, None), (1_069, 5)],
     Status.PENDING),
    ("nothing after data", [(1_060, 5), (1_070, 0)], Status.DATA_NOT_AVAILABLE),
    ("nothing after data ends the chain", [(1_060, 5), (1_070, 0), (1_080, 5)], Status.PENDING),
    ("nothing again and again", [(1_060, 0), (1_070, 0), (1_080, 0)], Status.DATA_NOT_AVAILABLE),
    ("too old without data", [(2_001, 0)], Status.DATA_NOT_AVAILABLE),
    ("too old, and time for the second read is over", [(1_900, 5), (1_961, 6), (2_001, 7)],
     Status.FAILED),
    ("a verdict wins over age", [(1_900, 5), (2_001, 5)], Status.VERIFIED),
    ("not too old at the very second", [(1_900, 5), (1_961, 6), (2_000, 7)], Status.PENDING),
    ("too old in an outage", [(2_001, None)], Status.FAILED),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "status"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_table(steps: list[tuple[int, int | None]], status: Status) -> None:
    """Each row of the table of states."""
    state = after(*steps)
    assert state.reconciliation.status is status
    assert state.reconciliation.attempts[-1].status is status


def test_zeros_are_verified_where_the_verdict_says_so() -> None:
    """A run that is known to have used nothing has N agreeing reads of nothing."""
    state = NextState(Reconciliation())
    for at_s in (1_050, 1_060):
        answer = Reading(at_s)
        state = next_status(state.reconciliation, ALONE, answer, proof(answer), POLICY)
        expected = Status.VERIFIED if at_s == 1_060 else Status.DATA_NOT_AVAILABLE
        assert state.reconciliation.status is expected
    assert state.reported == TokenCounts()


def test_a_refusal_is_final_and_told() -> None:
    """Stable, settled, and not what was observed."""
    state = after((1_050, 5), (1_060, 5), refusal=REFUSED)
    failure = state.reconciliation.failure
    assert failure is not None
    assert (failure.kind, failure.final, failure.message) == (REFUSED.kind, True, "it differs")
    assert state.reconciliation.attempts[-1].status is Status.FAILED


def test_a_refused_read_still_counts_when_asked_again() -> None:
    """With --force one more counted read that agrees is enough."""
    refused = after((1_050, 5), (1_060, 5), refusal=REFUSED).reconciliation
    assert after((1_070, 5), before=refused).reconciliation.status is Status.VERIFIED


def test_a_group_shows_no_figure_of_one_run() -> None:
    """Aggregates and attempts hold zeros, the group's totals stand apart."""
    state = after((1_050, 5), asked=TOGETHER)
    attempt = state.reconciliation.attempts[-1]
    assert state.reported == TokenCounts()
    assert attempt.counts.is_zero
    assert attempt.group_totals == TokenCounts(1, 5)
    failed = after((1_050, 5), (1_060, 5), asked=TOGETHER, refusal=SHARED)
    assert failed.reported == TokenCounts()
    assert failed.reconciliation.attribution is Attribution.GROUP
    assert failed.reconciliation.group is not None
    assert failed.reconciliation.group.totals == TokenCounts(1, 5)


def test_another_scope_starts_a_new_chain() -> None:
    """The same figure, asked for another group of runs, proves nothing together."""
    alone = after((1_050, 5)).reconciliation
    assert after((1_060, 5), asked=TOGETHER, before=alone).reconciliation.status is Status.PENDING


def test_models_have_to_agree_too() -> None:
    """Equal sums of different models are different reads."""
    first = next_status(Reconciliation(), ALONE, reading(1_050, 5, "m"), None, POLICY)
    answer = reading(1_060, 5, "n")
    state = next_status(first.reconciliation, ALONE, answer, proof(answer), POLICY)
    assert state.reconciliation.status is Status.PENDING


def test_each_counter_has_to_agree() -> None:
    """All four, not two of them."""
    whole = TierUsage(2, 10, 6, 3)
    others = [TierUsage(1, 10, 6, 3), TierUsage(2, 9, 6, 3), TierUsage(2, 10, 5, 3),
              TierUsage(2, 10, 6, 2)]  # fmt: skip
    for other in others:
        state = NextState(Reconciliation())
        for at_s, usage in ((1_050, other), (1_060, whole)):
            answer = Reading.of(at_s, [BooksRow(960, "k", "m", usage, "default", False)])
            state = next_status(state.reconciliation, ALONE, answer, proof(answer), POLICY)
        assert state.reconciliation.status is Status.PENDING


def test_an_early_read_changes_no_aggregate() -> None:
    """Only counted reads do, and at once."""
    assert after((1_050, 5)).reported == TokenCounts(1, 5)
    assert after((1_050, 5), (1_055, 6)).reported is None


def test_nothing_after_data_leaves_the_totals() -> None:
    """A hiccup is recorded and changes nothing."""
    state = after((1_050, 5), (1_060, 0))
    assert state.reported is None
    assert state.reconciliation.attempts[-1].counts.is_zero


def test_a_failed_query_repeats_the_last_good_totals() -> None:
    """Its attempt has them, with the error, uncounted."""
    attempt = after((1_050, 5), (1_055, None)).reconciliation.attempts[-1]
    assert (attempt.counts, attempt.counted) == (TokenCounts(1, 5), False)
    assert attempt.error == "down at 1055"


def test_a_decrease_is_warned_about() -> None:
    """The books never forget; if they do, somebody should know."""
    assert after((1_050, 5), (1_060, 6)).warning is None
    warning = after((1_050, 6), (1_060, 5)).warning
    assert warning is not None
    assert "the books show less than before: 1 calls, 6 in, 0 out then" in warning


def test_max_age_carries_the_last_query_error() -> None:
    """Also where the read that found the run too old was a good one."""
    state = after((1_900, 5), (1_950, None), (2_001, 6))
    failure, attempt = state.reconciliation.failure, state.reconciliation.attempts[-1]
    assert failure is not None
    assert failure.kind is FailureKind.MAX_AGE
    assert attempt.error == "down at 1950"
    assert "down at 1950" in failure.message


def test_after_a_verdict_the_age_counts_from_the_next_good_read() -> None:
    """Forcing an old run gives it the time for N reads again."""
    old = after((2_001, None)).reconciliation
    forced = after((9_000, 5), before=old).reconciliation
    assert forced.status is Status.PENDING
    assert after((9_010, 5), before=forced).reconciliation.status is Status.VERIFIED


def test_next_read_is_due_when_it_can_help() -> None:
    """First as soon as the run may be read, then after the interval, last when all is settled."""
    policy = replace(POLICY, min_age_s=20)
    assert next_read_due_s(Reconciliation(), ALONE, policy) == 1_020
    once = after((1_020, 5)).reconciliation
    assert next_read_due_s(once, ALONE, policy) == 1_055
    later = after((1_050, 5)).reconciliation
    assert next_read_due_s(later, ALONE, policy) == 1_060
    three = replace(policy, checks=3)
    assert next_read_due_s(once, ALONE, three) == 1_030
    failed = after((1_050, 5), (1_058, None)).reconciliation
    assert next_read_due_s(failed, ALONE, policy) == 1_068


def by_plain_rules(steps: list[tuple[int, int | None]], policy: Policy) -> Status:
    """The table once more, written down from its text as one loop over everything read so far."""
    chain: list[int] = []
    last_counted: int | None = None
    first_good: int | None = None
    saw_data = False
    status = Status.PENDING
    settled = END_S + policy.lag_s + policy.settle_s
    for at_s, tokens in steps:
        if tokens is not None and first_good is None:
            first_good = at_s
        deadline = END_S + policy.max_age_s
        if first_good is not None:
            window = (policy.checks - 1) * policy.interval_s + policy.settle_s
            deadline = max(deadline, first_good + window)
        if tokens is None:
            status = Status.FAILED
            if at_s > deadline:
                return status
            continue
        counted = last_counted is None or at_s - last_counted >= policy.interval_s
        if tokens == 0 and saw_data:
            chain = []
        elif counted:
            chain = [*chain, tokens] if chain and chain[-1] == tokens else [tokens]
        elif chain and chain[-1] != tokens:
            chain = []
        saw_data = saw_data or tokens > 0
        if counted:
            last_counted = at_s
        ripe = counted and len(chain) >= policy.checks and at_s >= settled
        if ripe and tokens > 0:
            return Status.VERIFIED
        if at_s > deadline:
            return Status.FAILED
        status = Status.PENDING if tokens else Status.DATA_NOT_AVAILABLE
    return status


def until_final(steps: list[tuple[int, int | None]], policy: Policy) -> NextState:
    """As `after`, but final states are not asked again."""
    state = NextState(Reconciliation())
    for step in steps:
        failure = state.reconciliation.failure
        if state.reconciliation.status is Status.VERIFIED or (failure and failure.final):
            break
        state = after(step, before=state.reconciliation, policy=policy)
    return state


def test_all_short_histories_follow_the_rules() -> None:
    """Every sequence of up to five answers out of five, early and late, against the plain rules."""
    answers: list[int | None] = [None, 0, 5, 6]
    for length in range(1, 5):
        for gaps in itertools.product((4, 10), repeat=length):
            times = list(itertools.accumulate(gaps, initial=1_025))[1:]
            for values in itertools.product(answers, repeat=length):
                steps = list(zip(times, values, strict=True))
                state = until_final(steps, POLICY)
                assert state.reconciliation.status is by_plain_rules(steps, POLICY), steps


HISTORIES = st.lists(
    st.tuples(st.integers(0, 400), st.one_of(st.none(), st.sampled_from([0, 5, 6, 7]))),
    min_size=1,
    max_size=12,
)
POLICIES = st.builds(
    Policy,
    interval_s=st.sampled_from([0, 10, 60]),
    checks=st.integers(1, 4),
    max_age_s=st.sampled_from([0, 300, 1_000]),
    lag_s=st.sampled_from([0, 5]),
    settle_s=st.sampled_from([0, 50]),
)


@settings(max_examples=300, deadline=None)
@given(HISTORIES, POLICIES)
def test_any_history_follows_the_rules(gaps: list[tuple[int, int | None]], policy: Policy) -> None:
    """Random reads at random times under random settings, against the plain rules."""
    times = list(itertools.accumulate((gap for gap, _ in gaps), initial=1_001))[1:]
    steps = [(at_s, tokens) for at_s, (_, tokens) in zip(times, gaps, strict=True)]
    state = until_final(steps, policy)
    assert state.reconciliation.status is by_plain_rules(steps, policy)


@settings(max_examples=200, deadline=None)
@given(HISTORIES, POLICIES)
def test_whatever_happens_the_record_keeps_the_contract(
    gaps: list[tuple[int, int | None]], policy: Policy
) -> None:
    """Attempts are kept in order, the last one has the run's status, a verdict has its time."""
    times = list(itertools.accumulate((gap for gap, _ in gaps), initial=1_001))[1:]
    before = Reconciliation()
    for at_s, (_, tokens) in zip(times, gaps, strict=True):
        state = after((at_s, tokens), before=before, policy=policy).reconciliation
        assert state.attempts[:-1] == before.attempts
        assert state.attempts[-1].status is state.status
        assert (state.verified_at_s is not None) == (state.status is Status.VERIFIED)
        assert (state.failure is not None) == (state.status is Status.FAILED)
        if state.status is Status.VERIFIED:
            return
        before = state
