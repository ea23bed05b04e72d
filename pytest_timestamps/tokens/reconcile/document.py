"""A pass as one JSON document; what isn't known is null, never 0."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Final

from pytest_timestamps.tokens.contract.usage import encode_counts, encode_models
from pytest_timestamps.tokens.reconcile.drift import Drift, Drifts, drift_of, drifts_of
from pytest_timestamps.tokens.reconcile.result import PassResult, RunResult
from pytest_timestamps.tokens.reconcile.wording import (
    premise_of,
    shown_result_status,
    shows_figure,
    why,
)
from pytest_timestamps.tokens.record import Status
from pytest_timestamps.tokens.usage import TokenCounts

__all__ = ["FORMAT_VERSION", "document_of", "verified_totals"]

FORMAT_VERSION: Final = 1
# 1: the first.


def document_of(result: PassResult, root: Path, tolerance: Decimal | None) -> dict[str, object]:
    """Everything that the table shows, and the details that it leaves out."""
    drifts = drifts_of(result)
    totals, cost_usd, unpriced = verified_totals(result)
    return {
        "format_version": FORMAT_VERSION,
        "dir": str(root),
        "at_s": result.at_s,
        "requests_planned": result.requests,
        "runs": [run_entry(run, result, root, drifts, tolerance) for run in result.runs],
        "groups": _groups(result, drifts, tolerance),
        "totals": {
            "verified_runs": sum(_is_proven(run) for run in result.runs),
            **encode_counts(totals),
            "cost_usd": cost_usd if not unpriced else None,
            "known_cost_usd": cost_usd,
            "runs_without_cost": unpriced,
        },
        "drift": None if drifts.total is None else drifts.total.to_json(),
        "tolerance": None if tolerance is None else float(tolerance),
        "query_errors": list(result.errors),
        "bad_files": [{"file": str(bad.path), "error": str(bad.error)} for bad in result.bad],
        "disputes": [
            {"run_id": d.run_id, "overlapping_runs": list(d.others), "message": d.message}
            for d in result.disputes
        ],
    }


def run_entry(
    run: RunResult, result: PassResult, root: Path, drifts: Drifts, tolerance: Decimal | None
) -> dict[str, object]:
    """One run of the document."""
    record, verdict = run.record, run.record.reconciliation
    drift, shown = drift_of(record), shows_figure(run)
    cost = verdict.unknown.get("cost")
    failure = verdict.failure
    return {
        "run_id": record.run_id,
        "framework": record.framework,
        "test": record.test,
        "status": record.status.value,
        "shown_status": shown_result_status(run),
        "disputed": run.file.disputed,
        "was_asked": run.was_asked,
        "why": why(run, result, root),
        "attribution": None if verdict.attribution is None else verdict.attribution.value,
        "premise": premise_of(run),
        "failure": None
        if failure is None
        else {"kind": failure.kind.value, "final": failure.final, "message": failure.message},
        "attempts": len(verdict.attempts),
        "agreeing_reads": run.chain,
        "next_read_due_s": run.due_s if run.is_open else None,
        "group_runs": list(run.group_runs),
        "reported": encode_counts(record.reported) if shown else None,
        "by_model": encode_models(verdict.by_model) if shown else None,
        "provisional": shown and record.status is not Status.VERIFIED,
        "cost_usd": record.cost_usd if shown and _is_priced(cost) else None,
        "cost": cost if shown else None,
        "drift": None if drift is None else drift.to_json(),
        "exceeds_tolerance": _exceeds(drifts.runs.get(record.run_id), tolerance),
        "warning": run.warning,
        "error": run.error,
        "file": str(run.file.path),
    }


def verified_totals(result: PassResult) -> tuple[TokenCounts, float, int]:
    """Tokens, known cost, and the number of runs without a known cost, over what is proven."""
    proven = [run.record for run in result.runs if _is_proven(run)]
    costs = [record.cost_usd for record in proven]
    return (
        TokenCounts.total(record.reported for record in proven),
        sum(cost for cost in costs if cost is not None),
        sum(cost is None for cost in costs),
    )


def _is_proven(run: RunResult) -> bool:
    return run.record.status is Status.VERIFIED and not run.file.disputed


def _is_priced(cost: object) -> bool:
    return isinstance(cost, dict) and not cost.get("unpriced")


def _exceeds(drift: Drift | None, tolerance: Decimal | None) -> bool:
    return drift is not None and tolerance is not None and drift.exceeds(tolerance)


def _groups(
    result: PassResult, drifts: Drifts, tolerance: Decimal | None
) -> list[dict[str, object]]:
    """The groups that have totals of their own, each once."""
    groups: dict[tuple[str, ...], dict[str, object]] = {}
    for run in result.runs:
        group = run.record.reconciliation.group
        if group is not None:
            drift = drifts.groups.get(group.runs)
            groups[group.runs] = {
                "runs": list(group.runs),
                "start_timestamp": group.start_s,
                "end_timestamp": group.end_s,
                "totals": encode_counts(group.totals),
                "drift": None if drift is None else drift.to_json(),
                "exceeds_tolerance": _exceeds(drift, tolerance),
            }
    return list(groups.values())
