"""What was observed against what the books report: per counter, model, run, group, and in total."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.tokens.reconcile.chain import history_of
from pytest_timestamps.tokens.reconcile.differences import (
    COUNTERS,
    Difference,
    differences,
    less,
)
from pytest_timestamps.tokens.reconcile.result import PassResult, RunResult
from pytest_timestamps.tokens.record import RunRecord, Status
from pytest_timestamps.tokens.usage import TokenCounts

__all__ = ["Drift", "Drifts", "drift_of", "drifts_of", "parse_tolerance", "total_drift"]


@dataclass(frozen=True, slots=True)
class Drift:
    """Reported and observed counts; the surplus is what the books have more.

    ``is_settled`` says that there is a verdict: until then the books may still fill up.
    """

    reported: TokenCounts
    observed: TokenCounts
    by_model: tuple[Difference, ...] = ()
    is_settled: bool = True

    @property
    def surplus(self) -> TokenCounts:
        """Reported less observed, counter by counter; may be negative."""
        return less(self.reported, self.observed)

    @property
    def share(self) -> Decimal:
        """The largest surplus or deficit of any counter, as a share of what was reported.

        Infinite where something was observed of which the books have nothing.
        """
        shares = [Decimal(0)]
        for name in COUNTERS:
            gap, reported = abs(getattr(self.surplus, name)), getattr(self.reported, name)
            if gap:
                shares.append(Decimal(gap) / reported if reported else Decimal("Infinity"))
        return max(shares)

    def exceeds(self, tolerance: Decimal) -> bool:
        """Whether any counter differs by more than *tolerance*, and won't change any more."""
        return self.is_settled and self.share > tolerance

    def to_json(self) -> dict[str, object]:
        """The drift for a document; an infinite share is null."""
        return {
            "surplus": {name: getattr(self.surplus, name) for name in COUNTERS},
            "share": float(self.share) if self.share.is_finite() else None,
            "by_model": [difference.to_json() for difference in self.by_model],
        }


@dataclass(frozen=True, slots=True)
class Drifts:
    """The drifts of a pass: of runs by their ids, and of groups by those of all their runs.

    A group is here as long as one of its runs has no figure of its own; its books then stand
    against the sum of what all its runs observed. Disputed runs have no drift of their own.
    """

    runs: Mapping[str, Drift]
    groups: Mapping[tuple[str, ...], Drift]

    @property
    def total(self) -> Drift | None:
        """The sum over groups and the runs outside of them; None where nothing is known."""
        grouped = {run_id for run_ids in self.groups for run_id in run_ids}
        alone = [drift for run_id, drift in self.runs.items() if run_id not in grouped]
        drifts = [*alone, *self.groups.values()]
        return total_drift(drifts) if drifts else None


def drifts_of(result: PassResult) -> Drifts:
    """Every drift that is known after *result*."""
    by_id = {run.record.run_id: run for run in result.runs}
    groups: dict[tuple[str, ...], Drift] = {}
    for run in result.runs:
        if run.group_runs in groups or run.record.status is Status.VERIFIED:
            continue
        members = [by_id[run_id].record for run_id in run.group_runs if run_id in by_id]
        drift = _group_drift(run, members)
        if drift is not None:
            groups[run.group_runs] = drift
    runs = {
        run_id: drift
        for run_id, run in by_id.items()
        if not run.file.disputed and (drift := drift_of(run.record)) is not None
    }
    return Drifts(runs, groups)


def _group_drift(run: RunResult, members: list[RunRecord]) -> Drift | None:
    """The drift of the group of *run*, whose last answer was about *members*; None if unknown."""
    group, last = run.record.reconciliation.group, None
    if group is not None and group.runs == run.group_runs and not group.totals.is_zero:
        last = history_of(run.record.reconciliation.attempts).last_good
    seen = [member.observed for member in members if member.observed is not None]
    if group is None or last is None or len(seen) != len(group.runs):
        return None
    return Drift(
        group.totals,
        TokenCounts.total(observed.counts for observed in seen),
        differences(last.by_model or {}, [observed.by_model for observed in seen]),
        is_settled=not run.is_open,
    )


def drift_of(record: RunRecord) -> Drift | None:
    """The drift of a run; None where it has no figure of its own or nothing was observed."""
    verdict, observed = record.reconciliation, record.observed
    is_alone = verdict.group is None
    has_figure = record.status is Status.VERIFIED or (is_alone and record.has_reported_usage)
    if observed is None or not has_figure:
        return None
    return Drift(
        record.reported,
        observed.counts,
        differences(verdict.by_model, [observed.by_model]),
        is_settled=record.status is Status.VERIFIED
        or (verdict.failure is not None and verdict.failure.final),
    )


def total_drift(drifts: Iterable[Drift]) -> Drift:
    """The sum over runs."""
    drifts = list(drifts)
    surplus: dict[str, TokenCounts] = {}
    for drift in drifts:
        for part in drift.by_model:
            surplus[part.model] = surplus.get(part.model, TokenCounts()).plus(part.surplus)
    return Drift(
        TokenCounts.total(drift.reported for drift in drifts),
        TokenCounts.total(drift.observed for drift in drifts),
        tuple(Difference(model, gap) for model, gap in sorted(surplus.items()) if not gap.is_zero),
    )


def parse_tolerance(text: str) -> Decimal:
    """A share such as ``1%`` or ``0.01``; raises `ArgumentError`."""
    word = text.strip()
    try:
        share = Decimal(word.removesuffix("%").strip())
    except InvalidOperation:
        share = Decimal("NaN")
    if not share.is_finite() or share < 0:
        raise ArgumentError(
            f"--tolerance must be a share such as 1% or 0.01, 0 or more; got {text!r:.60}"
        )
    return share / 100 if word.endswith("%") else share
