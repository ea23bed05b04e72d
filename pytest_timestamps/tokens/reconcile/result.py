"""What a reconciliation did and found: frozen, for tables, files and exit codes."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_timestamps.tokens.listing import BadFile, RunFile
from pytest_timestamps.tokens.reconcile.agenda import Wait
from pytest_timestamps.tokens.reconcile.disputes import Dispute
from pytest_timestamps.tokens.record import FailureKind, RunRecord, Status

__all__ = ["PassResult", "RunResult"]


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run after a pass.

    ``was_asked`` and ``became_failed`` are about this invocation; ``chain`` is how many of the
    wanted reads agree; ``due_s`` is when the next read makes sense, None if never or unknown.
    """

    file: RunFile
    was_asked: bool = False
    became_failed: bool = False
    chain: int = 0
    wait: Wait | None = None
    due_s: int | None = None
    group_runs: tuple[str, ...] = ()
    possible_neighbours: tuple[str, ...] = ()
    warning: str | None = None
    error: str | None = None

    @property
    def record(self) -> RunRecord:
        """What the run's file says now."""
        return self.file.record

    @property
    def is_open(self) -> bool:
        """Whether the run still has no verdict."""
        failure = self.record.reconciliation.failure
        if self.record.status is Status.FAILED:
            return failure is None or not failure.final
        return self.record.status is not Status.VERIFIED

    @property
    def can_settle(self) -> bool:
        """Whether asking again later may settle it: without a key id nothing can be asked."""
        return self.is_open and self.record.usage_scope.api_key_id is not None

    @property
    def has_query_failure(self) -> bool:
        """Whether its last query failed."""
        failure = self.record.reconciliation.failure
        return failure is not None and failure.kind is FailureKind.QUERY


@dataclass(frozen=True, slots=True)
class PassResult:
    """Everything that one pass over a ledger did."""

    at_s: int
    checks: int
    runs: tuple[RunResult, ...] = ()
    bad: tuple[BadFile, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    requests: int = 0
    errors: tuple[str, ...] = ()

    @property
    def has_failures(self) -> bool:
        """Whether something went wrong in this pass, or lies wrong in the folder."""
        return bool(
            self.bad
            or self.errors
            or any(run.file.disputed for run in self.runs)
            or any(run.became_failed or run.error for run in self.runs)
        )

    @property
    def open_runs(self) -> tuple[RunResult, ...]:
        """The runs that have no verdict."""
        return tuple(run for run in self.runs if run.is_open)
