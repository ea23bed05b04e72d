"""The state machine: what one more query of the books makes of a run. Pure functions only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pytest_timestamps.tokens.reconcile.books import Reading
from pytest_timestamps.tokens.reconcile.chain import History, history_of, totals_of
from pytest_timestamps.tokens.reconcile.policy import Policy
from pytest_timestamps.tokens.reconcile.proof import Proof, Refusal, Verdict
from pytest_timestamps.tokens.reconcile.separation import is_no_less
from pytest_timestamps.tokens.record import (
    Attempt,
    Attribution,
    Failure,
    FailureKind,
    OverlapGroup,
    Reconciliation,
    Status,
)
from pytest_timestamps.tokens.usage import TokenCounts
from pytest_timestamps.tokens.window import Window

__all__ = ["Asked", "FailedQuery", "NextState", "next_read_due_s", "next_status"]


@dataclass(frozen=True, slots=True)
class FailedQuery:
    """A question of the books that went unanswered."""

    at_s: int
    error: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked about a run, and together with whom.

    ``scope`` is made of JSON values, as it is stored with the attempt. ``end_s`` is when the
    group's last run ended; ``runs`` are its members, this run included.
    """

    scope: Mapping[str, object]
    end_s: int
    window: Window
    runs: tuple[str, ...]

    @property
    def is_group(self) -> bool:
        """Whether other runs share the window."""
        return len(self.runs) > 1

    def settled_s(self, policy: Policy) -> int:
        """From when on the books hide nothing of it any more."""
        return self.end_s + policy.lag_s + policy.settle_s


@dataclass(frozen=True, slots=True)
class NextState:
    """A run after one more query.

    ``reported`` are its new aggregates, None where they stay as they are. ``proof`` is there for
    a run that was verified by this query. ``warning`` is about books that forgot something.
    """

    reconciliation: Reconciliation
    reported: TokenCounts | None = None
    proof: Proof | None = None
    warning: str | None = None


def next_status(
    before: Reconciliation,
    asked: Asked,
    answer: Reading | FailedQuery,
    verdict: Verdict,
    policy: Policy,
) -> NextState:
    """What *answer* makes of a run whose reconciliation so far is *before*.

    *verdict* is what the answer proves, should it be stable and settled.
    """
    history = history_of(before.attempts)
    if isinstance(answer, FailedQuery):
        return _after_failure(before, asked, answer, history, policy)
    attempt = _attempt(asked, answer, history.counts_at(answer.at_s, policy.interval_s))
    after = history.plus(attempt)
    state = _concluded(before, asked, answer, attempt, after, verdict, policy)
    return replace(state, warning=_warning(history, attempt))


def next_read_due_s(
    before: Reconciliation, asked: Asked, policy: Policy, *, retry_s: int = 300
) -> int:
    """When it makes sense to ask again about a run that has no verdict.

    The first time as soon as the run may be read; then an interval after the last counted read,
    and no earlier than the books have settled if that read could be the last. A failed query is
    repeated after *retry_s*.
    """
    history = history_of(before.attempts)
    due_s = max(asked.end_s + policy.lag_s, asked.end_s + policy.min_age_s, asked.end_s + 1)
    if history.last_counted_s is not None:
        due_s = max(due_s, history.last_counted_s + policy.interval_s)
        if len(history.chain) + 1 >= policy.checks:
            due_s = max(due_s, asked.settled_s(policy))
    is_retry = before.failure is not None and before.failure.kind is FailureKind.QUERY
    if is_retry and before.last_attempt_s is not None:
        return max(due_s, before.last_attempt_s + min(retry_s, policy.interval_s or retry_s))
    return due_s


def _after_failure(
    before: Reconciliation, asked: Asked, query: FailedQuery, history: History, policy: Policy
) -> NextState:
    last = history.last_good
    counts = TokenCounts() if last is None or asked.is_group else last.counts
    attempt = Attempt(
        query.at_s,
        counts,
        Status.FAILED,
        counted=False,
        error=query.error,
        group_totals=last.group_totals if last is not None and asked.is_group else None,
    )
    failure = Failure(FailureKind.QUERY, False, query.error)
    if query.at_s > _deadline_s(asked, history, policy):
        failure = _too_old(asked, query.error)
        attempt = _as_verdict(attempt, Status.FAILED, failure)
    return NextState(
        replace(
            before,
            status=Status.FAILED,
            attempts=(*before.attempts, attempt),
            attribution=None,
            failure=failure,
        )
    )


def _concluded(
    before: Reconciliation,
    asked: Asked,
    reading: Reading,
    attempt: Attempt,
    after: History,
    verdict: Verdict,
    policy: Policy,
) -> NextState:
    is_last = bool(after.chain) and after.chain[-1] is attempt
    is_ripe = (
        is_last and len(after.chain) >= policy.checks and reading.at_s >= asked.settled_s(policy)
    )
    if is_ripe and isinstance(verdict, Proof):
        return _verified(before, asked, reading, attempt, verdict)
    if is_ripe and isinstance(verdict, Refusal):
        failure = Failure(verdict.kind, True, verdict.message)
        return _open(before, asked, reading, _as_verdict(attempt, Status.FAILED, failure), failure)
    if reading.at_s > _deadline_s(asked, after, policy):
        failure = _too_old(asked, after.last_error, is_empty=not after.has_data)
        failed = _as_verdict(attempt, Status.FAILED, failure)
        return _open(before, asked, reading, replace(failed, error=after.last_error), failure)
    return _open(before, asked, reading, attempt, None)


def _verified(
    before: Reconciliation, asked: Asked, reading: Reading, attempt: Attempt, proof: Proof
) -> NextState:
    last = replace(attempt, status=Status.VERIFIED, counts=proof.totals)
    return NextState(
        replace(
            before,
            status=Status.VERIFIED,
            attempts=(*before.attempts, last),
            verified_at_s=reading.at_s,
            attribution=proof.attribution,
            failure=None,
            group=_group(asked, reading),
            by_model=proof.by_model,
        ),
        proof.totals,
        proof,
    )


def _open(
    before: Reconciliation,
    asked: Asked,
    reading: Reading,
    attempt: Attempt,
    failure: Failure | None,
) -> NextState:
    """A run that this read didn't verify, with the aggregates that it may show so far."""
    is_shared = failure is not None and failure.kind is FailureKind.SHARED_WINDOW
    reported, by_model = None, before.by_model
    if asked.is_group:
        reported, by_model = TokenCounts(), {}
    elif attempt.counted and not reading.totals.is_zero:
        reported, by_model = reading.totals, reading.by_model
    return NextState(
        replace(
            before,
            status=attempt.status,
            attempts=(*before.attempts, attempt),
            attribution=Attribution.GROUP if is_shared else None,
            failure=failure,
            group=_group(asked, reading),
            by_model=by_model,
        ),
        reported,
    )


def _attempt(asked: Asked, reading: Reading, counted: bool) -> Attempt:
    totals = reading.totals
    return Attempt(
        reading.at_s,
        TokenCounts() if asked.is_group else totals,
        Status.DATA_NOT_AVAILABLE if totals.is_zero else Status.PENDING,
        counted=counted,
        scope=asked.scope,
        group_totals=totals if asked.is_group else None,
        by_model=reading.by_model,
    )


def _as_verdict(attempt: Attempt, status: Status, failure: Failure) -> Attempt:
    return replace(attempt, status=status, unknown={"verdict": failure.kind.value})


def _group(asked: Asked, reading: Reading) -> OverlapGroup | None:
    if not asked.is_group:
        return None
    return OverlapGroup(asked.runs, asked.window.start_s, asked.window.end_s, reading.totals)


def _deadline_s(asked: Asked, history: History, policy: Policy) -> int:
    by_age_s = asked.end_s + policy.max_age_s
    first_good_s = history.first_good_s(asked.scope)
    if first_good_s is None:
        return by_age_s
    return max(by_age_s, first_good_s + (policy.checks - 1) * policy.interval_s + policy.settle_s)


def _too_old(asked: Asked, last_error: str | None, *, is_empty: bool = False) -> Failure:
    what = "showed no usage at all" if is_empty else "gave no stable figure"
    error = "" if last_error is None else f"; the last failed query said: {last_error}"
    return Failure(
        FailureKind.MAX_AGE,
        True,
        f"the books {what} in the time allowed; raise --max-age and use --force to ask again"
        f"{error}",
    )


def _warning(history: History, attempt: Attempt) -> str | None:
    last = history.last_good
    if last is None or last.scope != attempt.scope:
        return None
    if is_no_less(totals_of(attempt), totals_of(last)):
        return None
    return (
        f"the books show less than before: {_shown(totals_of(last))} then, "
        f"{_shown(totals_of(attempt))} now; the reads start over"
    )


def _shown(counts: TokenCounts) -> str:
    return f"{counts.calls:,} calls, {counts.input_tokens:,} in, {counts.output_tokens:,} out"
