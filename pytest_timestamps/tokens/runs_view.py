"""A ledger for people and for programs: a table, and a JSON document."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pytest_timestamps.analysis.text import format_usd
from pytest_timestamps.tokens.durations import shown_age
from pytest_timestamps.tokens.listing import Listing, RunFile, state_at
from pytest_timestamps.tokens.record import RunRecord, RunState, Status
from pytest_timestamps.tokens.tables import Column, draw_runs
from pytest_timestamps.tokens.usage import TokenCounts

__all__ = ["FORMAT_VERSION", "runs_document", "runs_lines", "shown_status"]

FORMAT_VERSION: Final = 1
# 1: the first.

_DASH: Final = "-"
_COLUMNS: Final = (
    Column("run", is_left=True, leaves=3, stub=8, is_told=False),  # the file's path has it
    Column("framework", is_left=True, leaves=4, is_told=False),  # likewise
    Column("test", is_left=True, leaves=2),
    Column("status", is_left=True),
    Column("age", leaves=6),
    Column("attribution", is_left=True, leaves=5),
    Column("calls"),
    Column("input"),
    Column("cached"),
    Column("output"),
    Column("cost (USD)"),
    Column("file", is_left=True, leaves=1),
)


def shown_status(run: RunFile, now_s: int) -> str:
    """The run's status in words: its verdict, or what it still waits for."""
    record = run.record
    state = state_at(record, now_s)
    if run.disputed:
        return f"{record.status.value} (disputed)"
    if record.status is Status.PENDING and not record.reconciliation.attempts:
        if state is RunState.RUNNING:
            return "running"
        if record.usage_scope.api_key_id is None:
            return "interrupted, no key id" if state is RunState.INTERRUPTED else "no key id"
    if state is RunState.INTERRUPTED:
        return f"{record.status.value} (interrupted)"
    if record.status is Status.PENDING and record.has_reported_usage:
        # The figures beside it are the books', and may still change.
        return "pending (provisional)"
    return record.status.value


def runs_lines(listing: Listing, root: Path, now_s: int, width: int | None = None) -> list[str]:
    """One row a run, oldest first; bad files below; the sum of what is verified last.

    Without a *width* each run has one line, however long.
    """
    if not listing.runs and not listing.bad:
        return [f"no token runs in {root}"]
    lines = []
    if listing.runs:
        rows = [_cells(run, root, now_s) for run in listing.runs]
        lines += draw_runs(_COLUMNS, rows, width)
    lines += [f"bad file, left as it is: {file.error}" for file in listing.bad]
    lines.append(_verified_sum(listing.runs))
    return lines


def runs_document(listing: Listing, root: Path, now_s: int) -> dict[str, object]:
    """The same for programs; what isn't known is null and never 0."""
    return {
        "format_version": FORMAT_VERSION,
        "dir": str(root),
        "runs": [_entry(run, now_s) for run in listing.runs],
        "bad_files": [{"file": str(file.path), "error": str(file.error)} for file in listing.bad],
    }


def _cells(run: RunFile, root: Path, now_s: int) -> list[str]:
    record, verdict = run.record, run.record.reconciliation
    counts = record.reported
    figures = (
        [counts.calls, counts.input_tokens, counts.cached_tokens, counts.output_tokens]
        if record.has_reported_usage
        else [None] * 4
    )
    cost = _cost_usd(record)
    return [
        record.run_id,
        record.framework,
        record.test or _DASH,
        shown_status(run, now_s),
        shown_age(now_s - record.window.end_s),
        _DASH if verdict.attribution is None else verdict.attribution.value,
        *(_DASH if figure is None else f"{figure:,}" for figure in figures),
        _DASH if cost is None else format_usd(cost),
        str(run.path.relative_to(root) if run.path.is_relative_to(root) else run.path),
    ]


def _entry(run: RunFile, now_s: int) -> dict[str, object]:
    record, verdict = run.record, run.record.reconciliation
    seen = record.observed
    return {
        "run_id": record.run_id,
        "framework": record.framework,
        "test": record.test,
        "status": record.status.value,
        "disputed": run.disputed,
        "state": state_at(record, now_s).value,
        "age_s": now_s - record.window.end_s,
        "start_s": record.window.start_s,
        "end_s": record.window.end_s,
        "api_key_id": record.usage_scope.api_key_id,
        "attribution": None if verdict.attribution is None else verdict.attribution.value,
        "failure": None if verdict.failure is None else verdict.failure.message,
        "attempts": len(verdict.attempts),
        "reported": _counts(record.reported) if record.has_reported_usage else None,
        "cost_usd": _cost_usd(record),
        "observed": None if seen is None else {**_counts(seen), "complete": seen.complete},
        "file": str(run.path),
    }


def _counts(counts: TokenCounts) -> dict[str, object]:
    return {
        "calls": counts.calls,
        "input_tokens": counts.input_tokens,
        "output_tokens": counts.output_tokens,
        "cached_tokens": counts.cached_tokens,
    }


def _cost_usd(record: RunRecord) -> float | None:
    return record.cost_usd if record.has_reported_usage else None


def _verified_sum(runs: Iterable[RunFile]) -> str:
    proven = [r.record for r in runs if r.record.status is Status.VERIFIED and not r.disputed]
    total = TokenCounts.total(record.reported for record in proven)
    costs = [record.cost_usd for record in proven]
    known = sum(cost for cost in costs if cost is not None)
    unknown = sum(cost is None for cost in costs)
    price = f"{format_usd(known)} USD" + (f" and {unknown} of unknown price" if unknown else "")
    return (
        f"verified: {len(proven)} runs, {total.calls:,} calls, {total.input_tokens:,} input "
        f"({total.cached_tokens:,} cached), {total.output_tokens:,} output, {price}"
    )
