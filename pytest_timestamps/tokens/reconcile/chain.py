"""What a run's attempts add up to: which reads count, and how many of them agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pytest_timestamps.tokens.record import Attempt, Status
from pytest_timestamps.tokens.usage import TokenCounts

__all__ = ["History", "history_of", "is_failed_query", "totals_of"]


@dataclass(frozen=True, slots=True)
class History:
    """All that matters of the attempts so far.

    ``chain`` are the counted reads that agree, the newest last; ``last_counted_s`` is when the
    newest counted read was made, in the chain or not. ``since_verdict`` are the good reads after
    the last final failure.
    """

    chain: tuple[Attempt, ...] = ()
    last_counted_s: int | None = None
    last_good: Attempt | None = None
    last_error: str | None = None
    has_data: bool = False
    since_verdict: tuple[Attempt, ...] = ()

    def counts_at(self, at_s: int, interval_s: int) -> bool:
        """Whether a good read at *at_s* counts."""
        return self.last_counted_s is None or at_s >= self.last_counted_s + interval_s

    def first_good_s(self, scope: object) -> int | None:
        """When the first good read of *scope* was made after the last verdict."""
        same = (good.timestamp_s for good in self.since_verdict if good.scope == scope)
        return next(same, None)

    def plus(self, attempt: Attempt) -> History:
        """The history with one more attempt."""
        if is_failed_query(attempt):
            since = () if _is_verdict(attempt) else self.since_verdict
            return replace(self, last_error=attempt.error, since_verdict=since)
        counted = attempt.counted is not False
        return History(
            chain=self._chain_with(attempt, counted),
            last_counted_s=attempt.timestamp_s if counted else self.last_counted_s,
            last_good=attempt,
            last_error=self.last_error,
            has_data=self.has_data or not totals_of(attempt).is_zero,
            since_verdict=() if _is_verdict(attempt) else (*self.since_verdict, attempt),
        )

    def _chain_with(self, attempt: Attempt, counted: bool) -> tuple[Attempt, ...]:
        # The books don't forget: nothing after data is a hiccup, however often it is read.
        if self.has_data and totals_of(attempt).is_zero:
            return ()
        agrees = bool(self.chain) and _agree(self.chain[-1], attempt)
        if not counted:
            return self.chain if agrees else ()
        return (*self.chain, attempt) if agrees else (attempt,)


def history_of(attempts: Iterable[Attempt]) -> History:
    """The history that *attempts*, the oldest first, make."""
    history = History()
    for attempt in attempts:
        history = history.plus(attempt)
    return history


def is_failed_query(attempt: Attempt) -> bool:
    """Whether the attempt got no answer: a failed verdict on a good read has its models."""
    return attempt.status is Status.FAILED and attempt.by_model is None


def totals_of(attempt: Attempt) -> TokenCounts:
    """What the books said: the group's totals where the attempt was about a group."""
    return attempt.counts if attempt.group_totals is None else attempt.group_totals


def _agree(one: Attempt, other: Attempt) -> bool:
    # An attempt that doesn't say what was asked can't be known to have asked the same.
    return (
        one.scope is not None
        and one.scope == other.scope
        and totals_of(one) == totals_of(other)
        and one.by_model == other.by_model
    )


def _is_verdict(attempt: Attempt) -> bool:
    return "verdict" in attempt.unknown
