"""One run as a value: what its file says, in this project's words."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_timestamps.tokens.usage import ModelUsage, ObservedUsage, TokenCounts
from pytest_timestamps.tokens.window import Window

__all__ = [
    "Attempt",
    "Attribution",
    "Failure",
    "FailureKind",
    "OverlapGroup",
    "Reconciliation",
    "RunRecord",
    "RunState",
    "Status",
    "Step",
    "UsageScope",
]


class Status(enum.StrEnum):
    """How far a run's figure is proven."""

    PENDING = "pending"
    VERIFIED = "verified"
    FAILED = "failed"
    DATA_NOT_AVAILABLE = "data_not_available"


class RunState(enum.StrEnum):
    """What the process that made the run last said about it."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


class Attribution(enum.StrEnum):
    """The road by which a run got its figure, or ``group`` where it got none of its own."""

    EXCLUSIVE = "exclusive"
    MINTED = "minted"
    OBSERVED = "observed"
    REMAINDER = "remainder"
    GROUP = "group"


class FailureKind(enum.StrEnum):
    """Why a run has no figure."""

    QUERY = "query"
    MAX_AGE = "max_age"
    SHARED_WINDOW = "shared_window"
    DISAGREES_WITH_OBSERVATION = "disagrees_with_observation"


@dataclass(frozen=True, slots=True)
class Step:
    """A timed part of a run. It has no tokens: nothing tells whose step a token was."""

    number: int
    window: Window
    duration_s: float
    success: bool
    retries: int = 0
    human_interventions: int = 0
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One query of the books, and what it answered.

    ``scope`` is what was asked (window, endpoints, key, group members); attempts of different
    scopes can't agree.
    The fields that are None were not recorded.
    """

    timestamp_s: int
    counts: TokenCounts
    status: Status
    counted: bool | None = None
    scope: Mapping[str, object] | None = None
    error: str | None = None
    group_totals: TokenCounts | None = None
    by_model: Mapping[str, ModelUsage] | None = None
    unknown: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run has no figure, and whether asking again can change that."""

    kind: FailureKind
    final: bool
    message: str


@dataclass(frozen=True, slots=True)
class OverlapGroup:
    """Runs on one key that the books can't tell apart, and what they used together."""

    runs: tuple[str, ...]
    start_s: int
    end_s: int
    totals: TokenCounts


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What the books said about a run, query by query, and the verdict so far."""

    status: Status = Status.PENDING
    attempts: tuple[Attempt, ...] = ()
    verified_at_s: int | None = None
    attribution: Attribution | None = None
    failure: Failure | None = None
    group: OverlapGroup | None = None
    by_model: Mapping[str, ModelUsage] = field(default_factory=dict)
    unknown: Mapping[str, object] = field(default_factory=dict)

    @property
    def last_attempt_s(self) -> int | None:
        """When the books were last asked, None if never."""
        return self.attempts[-1].timestamp_s if self.attempts else None


@dataclass(frozen=True, slots=True)
class UsageScope:
    """What the provider's books know the run's usage under. Ids only; never a key's value."""

    api_key_id: str | None = None
    project_id: str | None = None
    minted: bool = False


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything that a run's file says.

    ``reported`` are the provider's figures, zeros until the books have answered; ``cost_usd`` is
    None only for a verified run with a model of unknown price.
    ``state``, ``test``, ``worker`` and ``observed`` are None where the file doesn't say.
    ``unknown`` has the fields that this version doesn't know; they are written back as read.
    """

    run_id: str
    framework: str
    window: Window
    duration_s: float
    reported: TokenCounts = field(default_factory=TokenCounts)
    cost_usd: float | None = 0.0
    step_count: int = 0
    human_interventions: int = 0
    steps: tuple[Step, ...] = ()
    reconciliation: Reconciliation = field(default_factory=Reconciliation)
    state: RunState | None = None
    test: str | None = None
    worker: str | None = None
    usage_scope: UsageScope = field(default_factory=UsageScope)
    observed: ObservedUsage | None = None
    unknown: Mapping[str, object] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """The verdict so far."""
        return self.reconciliation.status

    @property
    def has_reported_usage(self) -> bool:
        """Whether ``reported`` is an answer of the books rather than the zeros before one."""
        if self.status is Status.VERIFIED:
            return True
        return not self.reported.is_zero
