"""Whole passes over a ledger, against the sandbox's books."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_timestamps.tokens.listing import list_runs
from pytest_timestamps.tokens.reconcile.policy import Policy
from pytest_timestamps.tokens.reconcile.wording import why
from pytest_timestamps.tokens.record import Attribution, FailureKind, RunState, Status
from pytest_timestamps.tokens.usage import TokenCounts
from tests.tokens.reconcile.world import KEY, MODEL, NOON_S, REASON, Call, World, observed_of

END_S = NOON_S + 60
MIN = 60


def test_a_lone_run_is_verified_by_two_reads(world: World) -> None:
    """Stable, settled and equal to what was observed: verified, with the books' figures."""
    run = world.add_run(calls=(Call(cached_tokens=30), Call(20)))
    world.reconcile(END_S + 30 * MIN)
    first = world.read(run)
    assert first.status is Status.PENDING
    assert first.reported == TokenCounts(2, 200, 40, 30)
    world.reconcile(END_S + 65 * MIN)
    after = world.read(run)
    assert after.status is Status.VERIFIED
    assert after.reconciliation.attribution is Attribution.EXCLUSIVE
    assert after.reconciliation.verified_at_s == END_S + 65 * MIN
    assert after.reported == TokenCounts(2, 200, 40, 30)
    assert after.reconciliation.by_model[MODEL].counts == after.reported
    assert after.cost_usd is not None
    assert after.cost_usd > 0
    assert "no other run" in str(after.reconciliation.unknown["premise"])


def test_default_settings_wait_for_usage_that_shows_after_64_minutes(world: World) -> None:
    """Two equal reads before the books have settled prove nothing."""
    run = world.add_run(calls=(Call(),))
    world.serve(Call(50, 7, 3), NOON_S, tag=run.run_id, delay_s=64 * MIN + 10)
    full = TokenCounts(2, 107, 23, 0)
    world.ledger.update(
        world.ledger.path_of("baes", run.run_id),
        lambda r: replace(r, observed=observed_of((Call(), Call(50, 7, 3)))),
    )
    for minutes in (30, 60, 90):
        world.reconcile(END_S + minutes * MIN)
        assert world.read(run).status is Status.PENDING
    world.reconcile(END_S + 120 * MIN)
    assert world.read(run).status is Status.VERIFIED
    assert world.read(run).reported == full


def test_a_run_is_not_asked_about_before_its_time(world: World) -> None:
    """Too young is no error and no attempt; the result says when it is due."""
    run = world.add_run()
    result = world.reconcile(END_S + 29 * MIN)
    assert not world.read(run).reconciliation.attempts
    assert result.runs[0].due_s == END_S + 30 * MIN
    assert not result.has_failures


def test_minted_runs_overlap_and_are_told_apart(world: World) -> None:
    """A key of its own is all that a run needs, whatever was observed."""
    one = world.add_run(key="key_minted000001", minted=True, observed=None)
    two = world.add_run(key="key_minted000002", minted=True, calls=(Call(5, 9),), observed=None)
    world.reconcile(END_S + 35 * MIN)
    world.reconcile(END_S + 70 * MIN)
    for run in (one, two):
        assert world.read(run).reconciliation.attribution is Attribution.MINTED
        assert world.read(run).reported == world.served_to(run.run_id)


def test_overlapping_runs_are_proven_by_their_observations(world: World) -> None:
    """While the group settles nobody has a figure; then each has its own."""
    one = world.add_run()
    two = world.add_run(NOON_S + 30, calls=(Call(5, 9, 1), Call(8, 11, 2)), framework="other")
    world.reconcile(END_S + 40 * MIN)
    for run in (one, two):
        now = world.read(run)
        assert now.status is Status.PENDING
        assert now.reported.is_zero
        assert now.reconciliation.attempts[-1].counts.is_zero
        assert now.reconciliation.attempts[-1].group_totals == TokenCounts(3, 120, 23, 0)
    world.reconcile(END_S + 80 * MIN)
    for run in (one, two):
        now = world.read(run)
        assert now.status is Status.VERIFIED
        assert now.reconciliation.attribution is Attribution.OBSERVED
        assert now.reported == world.served_to(run.run_id)


def test_one_incomplete_run_gets_the_remainder(world: World) -> None:
    """The books less what the others were seen to use."""
    one = world.add_run(calls=(Call(), Call(20)), observed=observed_of((Call(),), complete=False))
    two = world.add_run(NOON_S + 30, calls=(Call(5, 9, 1),))
    world.reconcile(END_S + 40 * MIN)
    world.reconcile(END_S + 80 * MIN)
    assert world.read(one).reconciliation.attribution is Attribution.REMAINDER
    assert world.read(one).reported == TokenCounts(2, 200, 40, 0)
    assert world.read(two).reconciliation.attribution is Attribution.OBSERVED


def test_two_incomplete_runs_prove_none(world: World) -> None:
    """The group's total is settled, and each run names the others and the remedies."""
    few = observed_of((Call(),), complete=False)
    one = world.add_run(calls=(Call(), Call(20)), observed=few)
    two = world.add_run(NOON_S + 30, observed=few)
    three = world.add_run(NOON_S + 40)
    world.reconcile(END_S + 45 * MIN)
    result = world.reconcile(END_S + 90 * MIN)
    assert result.has_failures
    for run in (one, two, three):
        now = world.read(run)
        assert now.status is Status.FAILED
        assert now.reported.is_zero
        assert now.reconciliation.attribution is Attribution.GROUP
        failure, group = now.reconciliation.failure, now.reconciliation.group
        assert failure is not None
        assert (failure.kind, failure.final) == (FailureKind.SHARED_WINDOW, True)
        others = {r.run_id for r in (one, two, three)} - {run.run_id}
        assert all(other in failure.message for other in others)
        assert "a key of its own" in failure.message
        assert group is not None
        assert group.totals == TokenCounts(4, 400, 80, 0)
    assert not world.reconcile(END_S + 200 * MIN).requests


def test_incompleteness_that_names_its_model_leaves_the_others_proven(world: World) -> None:
    """Two runs that each miss another model are told apart model by model."""
    small, big = Call(), Call(20, 50, 5, model="gpt-4o-2024-08-06")
    full = observed_of((small, big))
    seen = []
    for name in (MODEL, "gpt-4o-2024-08-06"):
        usage = replace(full.by_model[name], incomplete_reasons=(f"an answer of {name}",))
        seen.append(
            replace(
                full,
                complete=False,
                incomplete_reasons=(f"an answer of {name}",),
                by_model={**full.by_model, name: usage},
            )
        )
    one = world.add_run(calls=(small, small, big), observed=seen[0])
    two = world.add_run(NOON_S + 10, calls=(small, big, big), observed=seen[1])
    world.reconcile(END_S + 40 * MIN)
    world.reconcile(END_S + 80 * MIN)
    for run in (one, two):
        assert world.read(run).reconciliation.attribution is Attribution.REMAINDER
        assert world.read(run).reported == world.served_to(run.run_id)


def test_a_strangers_use_is_reported_by_model_and_minute(world: World) -> None:
    """The surplus is in the message and, in full, in the file."""
    run = world.add_run()
    world.serve(Call(30, 7, 3), NOON_S)
    world.reconcile(END_S + 30 * MIN)
    world.reconcile(END_S + 65 * MIN)
    now = world.read(run)
    failure = now.reconciliation.failure
    assert failure is not None
    assert failure.kind is FailureKind.DISAGREES_WITH_OBSERVATION
    assert "the books have more than what was observed" in failure.message
    assert f"{MODEL} +1 calls, +7 input, +3 output" in failure.message
    assert "12:00 2 calls" in failure.message
    assert now.reconciliation.unknown["differences"] == [
        {
            "model": MODEL,
            "surplus": {"calls": 1, "input_tokens": 7, "output_tokens": 3, "cached_tokens": 0},
            "minutes": [
                {
                    "start_timestamp": NOON_S,
                    "calls": 2,
                    "input_tokens": 107,
                    "output_tokens": 23,
                    "cached_tokens": 0,
                }
            ],
        }
    ]


def test_trust_books_with_force_takes_the_books(world: World) -> None:
    """Whoever knows that the observation is wrong may say so."""
    run = world.add_run(observed=observed_of(()))
    world.reconcile(END_S + 30 * MIN)
    world.reconcile(END_S + 65 * MIN)
    assert world.read(run).status is Status.FAILED
    policy = Policy(trust_books=True, force=True)
    result = world.reconcile(END_S + 95 * MIN, policy)
    now = world.read(run)
    assert now.status is Status.VERIFIED
    assert now.reported == TokenCounts(1, 100, 20, 0)
    assert now.reconciliation.unknown["trusted_books"] is True
    assert now.reconciliation.unknown["differences"]
    assert why(result.runs[0], result, world.ledger.root) == (
        "the books' word against what was observed (--trust-books); premise: no other run than "
        "those in this ledger used the key"
    )


def test_books_that_agree_need_no_trust(world: World) -> None:
    """With --trust-books a run that agrees is proven as ever."""
    run = world.add_run()
    world.reconcile(END_S + 30 * MIN, Policy(trust_books=True))
    result = world.reconcile(END_S + 65 * MIN, Policy(trust_books=True))
    assert world.read(run).status is Status.VERIFIED
    assert "trusted_books" not in world.read(run).reconciliation.unknown
    assert why(result.runs[0], result, world.ledger.root).startswith("proven: premise")


def test_an_incomplete_lone_run_takes_the_books_figure(world: World) -> None:
    """The books are no lower than what was seen: they have the rest too."""
    run = world.add_run(calls=(Call(), Call(9)), observed=observed_of((Call(),), complete=False))
    world.reconcile(END_S + 30 * MIN)
    world.reconcile(END_S + 65 * MIN)
    assert world.read(run).reported == TokenCounts(2, 200, 40, 0)
    assert world.read(run).reconciliation.attribution is Attribution.EXCLUSIVE


def test_nothing_used_is_verified_as_zeros_only_where_nothing_was_observed(world: World) -> None:
    """Zeros in the books prove something of a run that is known to have made no call."""
    idle = world.add_run(calls=())
    silent = world.add_run(
        NOON_S + 3_600, calls=(), observed=observed_of((), complete=False, reasons=(REASON,))
    )
    world.reconcile(END_S + 100 * MIN)
    assert world.read(idle).status is Status.DATA_NOT_AVAILABLE
    world.reconcile(END_S + 200 * MIN)
    assert world.read(idle).status is Status.VERIFIED
    assert world.read(idle).cost_usd == 0.0
    assert world.read(silent).status is Status.DATA_NOT_AVAILABLE
    world.reconcile(END_S + 27 * 60 * MIN)
    failure = world.read(silent).reconciliation.failure
    assert failure is not None
    assert failure.kind is FailureKind.MAX_AGE


def test_a_run_copied_in_after_a_verdict_disputes_it(world: World) -> None:
    """The verified file stays byte for byte; a note beside it names both; the newcomer waits."""
    run = world.add_run()
    world.reconcile(END_S + 30 * MIN)
    world.reconcile(END_S + 65 * MIN)
    path = world.ledger.path_of("baes", run.run_id)
    content = path.read_bytes()
    newcomer = world.add_run(NOON_S + 30, calls=(Call(5, 9, 1),), framework="late")
    result = world.reconcile(END_S + 70 * MIN)
    assert path.read_bytes() == content
    note = path.with_name("dispute.json").read_text()
    assert run.run_id in note
    assert newcomer.run_id in note
    assert result.has_failures
    assert [r.file.disputed for r in result.runs] == [True, False]
    world.reconcile(END_S + 110 * MIN)
    # 100 + 9 input: what the verified run has, and the newcomer's own.
    assert world.read(newcomer).reconciliation.attribution is Attribution.OBSERVED
    assert world.read(newcomer).reported == TokenCounts(1, 9, 1, 0)
    assert [run.disputed for run in list_runs(world.ledger).runs] == [True, False]


def test_a_verified_figure_that_needed_solitude_proves_no_newcomer_by_remainder(
    world: World,
) -> None:
    """An incompletely observed run's figure may hold its late neighbour's tokens."""
    few = observed_of((), complete=False)
    world.add_run(observed=few)
    world.serve(Call(40, 9, 1), NOON_S)  # the newcomer's, taken for the first run's
    world.reconcile(END_S + 30 * MIN)
    world.reconcile(END_S + 65 * MIN)
    newcomer = world.add_run(NOON_S + 30, 300, calls=(Call(100, 5, 1),), observed=few)
    world.reconcile(END_S + 70 * MIN)
    world.reconcile(END_S + 140 * MIN)
    now = world.read(newcomer)
    assert now.status is Status.FAILED
    assert now.reported.is_zero


def test_final_failures_are_asked_again_when_their_group_gains_a_run(world: World) -> None:
    """A third run may be what was missing; otherwise nothing is asked again."""
    one = world.add_run(calls=(Call(), Call(30, 7, 3)), observed=observed_of((Call(),)))
    world.reconcile(END_S + 30 * MIN)
    world.reconcile(END_S + 65 * MIN)
    assert world.read(one).status is Status.FAILED
    assert world.reconcile(END_S + 100 * MIN).requests == 0
    two = world.add_run(NOON_S + 25, calls=(), observed=observed_of((Call(30, 7, 3),)))
    world.reconcile(END_S + 110 * MIN)
    world.reconcile(END_S + 150 * MIN)
    for run in (one, two):
        assert world.read(run).reconciliation.attribution is Attribution.OBSERVED


def test_a_failed_query_is_an_attempt_that_changes_nothing(world: World) -> None:
    """Totals, chain and the interval's clock stay; retries come first."""
    run = world.add_run()
    world.reconcile(END_S + 30 * MIN)
    world.sandbox.faults.add("server_error", "*/usage/completions", times=4)
    result = world.reconcile(END_S + 40 * MIN)
    now = world.read(run)
    assert world.pauses == [1.0, 2.0, 4.0]
    assert result.has_failures
    assert now.status is Status.FAILED
    assert now.reported == TokenCounts(1, 100, 20, 0)
    failed = now.reconciliation.attempts[-1]
    assert failed.counts == now.reported
    assert failed.counted is False
    assert "answered 500" in str(failed.error)
    assert now.reconciliation.failure is not None
    assert not now.reconciliation.failure.final
    world.reconcile(END_S + 65 * MIN)
    assert world.read(run).status is Status.VERIFIED


def test_ages_that_expire_in_an_outage_fail_with_its_error(world: World) -> None:
    """The attempt just made carries the status and the last query error."""
    run = world.add_run()
    world.reconcile(END_S + 30 * MIN)
    world.sandbox.faults.add("server_error", times=None)
    world.reconcile(END_S + 90 * MIN)
    world.reconcile(END_S + 24 * 60 * MIN + 1)
    now = world.read(run).reconciliation
    assert now.failure is not None
    assert (now.failure.kind, now.failure.final) == (FailureKind.MAX_AGE, True)
    assert "answered 500" in now.failure.message
    assert now.attempts[-1].status is Status.FAILED


def test_a_first_good_read_after_a_long_outage_still_gets_its_time(world: World) -> None:
    """The age is counted from the first good read where that is later."""
    run = world.add_run()
    world.reconcile(END_S + 30 * 60 * MIN)
    assert world.read(run).status is Status.PENDING
    world.reconcile(END_S + 30 * 60 * MIN + 30 * MIN)
    assert world.read(run).status is Status.VERIFIED


def test_one_check_is_enough_where_one_is_asked_for(world: World) -> None:
    """With N = 1 the first settled read decides."""
    run = world.add_run()
    world.reconcile(END_S + 64 * MIN, Policy(checks=1, min_age_s=0, interval_s=0))
    assert world.read(run).status is Status.PENDING
    world.reconcile(END_S + 65 * MIN, Policy(checks=1))
    assert world.read(run).status is Status.PENDING  # early: the interval hasn't passed
    world.reconcile(END_S + 95 * MIN, Policy(checks=1))
    assert world.read(run).status is Status.VERIFIED


def test_interval_zero_and_an_old_run_need_two_reads_at_once(world: World) -> None:
    """A second is enough between them, or none."""
    run = world.add_run()
    policy = Policy(interval_s=0)
    world.reconcile(END_S + 65 * MIN, policy)
    world.reconcile(END_S + 65 * MIN, policy)
    assert world.read(run).status is Status.VERIFIED


def test_a_running_neighbour_is_waited_for(world: World) -> None:
    """A young running file isn't asked about, but its group waits for it."""
    run = world.add_run()
    other = world.add_run(NOON_S + 40, state=RunState.RUNNING)
    result = world.reconcile(NOON_S + 41)
    assert not world.read(run).reconciliation.attempts
    assert f"run {other.run_id}, in its group, is still running" in str(result.runs[0].wait)


def test_an_interrupted_run_is_incomplete_and_a_little_longer(world: World) -> None:
    """Its window gets the heartbeat's seconds, and its observation proves nothing exactly."""
    run = world.add_run(
        duration_s=58,
        calls=(Call(), Call(61)),
        observed=observed_of((Call(),)),
        state=RunState.RUNNING,
    )
    world.reconcile(END_S + 40 * MIN)
    world.reconcile(END_S + 80 * MIN)
    now = world.read(run)
    assert now.status is Status.VERIFIED
    assert now.reported == TokenCounts(2, 200, 40, 0)


def test_a_run_without_key_id_stays_pending(world: World) -> None:
    """It is never asked about, and the result can't settle."""
    run = world.add_run(key=None)
    result = world.reconcile(END_S + 65 * MIN)
    assert world.read(run) == run
    assert result.requests == 0
    assert not result.runs[0].can_settle


def test_a_clock_behind_the_last_attempt_reads_nothing(world: World) -> None:
    """Attempts never decrease in time."""
    run = world.add_run()
    world.reconcile(END_S + 90 * MIN)
    reconciler = world.reconciler()
    reconciler.now_s = lambda: END_S + 80 * MIN
    result = reconciler.run_pass()
    assert len(world.read(run).reconciliation.attempts) == 1
    assert "behind the last attempt" in str(result.runs[0].wait)


def test_runs_of_one_key_that_only_touch_are_exclusive(world: World) -> None:
    """The next run may begin with the first minute behind the lag."""
    one = world.add_run(lag_s=240)
    two = world.add_run(END_S + 300, lag_s=240)
    world.reconcile(END_S + 100 * MIN)
    world.reconcile(END_S + 140 * MIN)
    for run in (one, two):
        assert world.read(run).reconciliation.attribution is Attribution.EXCLUSIVE
        assert world.read(run).reported == world.served_to(run.run_id)


def test_an_unreadable_file_is_left_and_named_beside_every_verdict(world: World) -> None:
    """It may be a neighbour; the other runs go on."""
    run = world.add_run()
    bad = world.ledger.root / "baes" / "broken" / "metrics.json"
    bad.parent.mkdir()
    bad.write_text("{")
    world.reconcile(END_S + 30 * MIN)
    result = world.reconcile(END_S + 65 * MIN)
    assert world.read(run).reconciliation.unknown["unreadable_files"] == [
        "baes/broken/metrics.json"
    ]
    assert result.has_failures
    assert bad.read_text() == "{"


@pytest.mark.parametrize("kind", ["unauthorized", "forbidden"])
def test_a_refused_key_stops_everything_without_a_trace(world: World, kind: str) -> None:
    """Even when an earlier question was answered, no attempt is written."""
    from pytest_timestamps.errors import BooksAccessError

    run = world.add_run()
    world.sandbox.faults.add(kind, "*/usage/embeddings")
    with pytest.raises(BooksAccessError) as raised:
        world.reconcile(END_S + 30 * MIN)
    assert "OPENAI_ADMIN_KEY" in str(raised.value)
    assert ("admin key" if kind == "unauthorized" else "api.usage.read") in str(raised.value)
    assert world.read(run) == run
    assert KEY not in str(raised.value)


def test_books_that_stay_empty_are_not_called_unstable(world: World) -> None:
    """They agreed all the time; what is wrong is that they have nothing."""
    run = world.add_run(calls=())
    seen = observed_of((Call(),))
    world.ledger.update(
        world.ledger.path_of("baes", run.run_id), lambda r: replace(r, observed=seen)
    )
    for minutes in (30, 65, 25 * 60):
        world.reconcile(END_S + minutes * MIN)
    failure = world.read(run).reconciliation.failure
    assert failure is not None
    assert failure.kind is FailureKind.MAX_AGE
    assert failure.message == (
        "the books showed no usage at all in the time allowed; raise --max-age and use --force to "
        "ask again"
    )
