"""A pass in the terminal: a table, then everything that a person has to know beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from pytest_timestamps.analysis.text import format_usd
from pytest_timestamps.tokens.reconcile.document import verified_totals
from pytest_timestamps.tokens.reconcile.drift import Drift, Drifts, drift_of, drifts_of
from pytest_timestamps.tokens.reconcile.proof import PREMISE
from pytest_timestamps.tokens.reconcile.result import PassResult, RunResult
from pytest_timestamps.tokens.reconcile.wording import (
    DASH,
    premise_of,
    shown_cost,
    shown_due,
    shown_reads,
    shown_result_status,
    shows_figure,
    why,
)
from pytest_timestamps.tokens.record import Status
from pytest_timestamps.tokens.tables import Column, draw_runs, fits

__all__ = ["HEADERS", "cells_of", "pass_lines", "summary_lines"]

_COLUMNS: Final = (
    Column("run", is_left=True, leaves=2, stub=8),
    Column("framework", is_left=True, leaves=3),
    Column("status", is_left=True),
    Column("attribution", is_left=True, leaves=4),
    Column("reads", is_left=True, leaves=6),
    Column("next read (UTC)", is_left=True, leaves=5),
    Column("calls"),
    Column("input"),
    Column("cached"),
    Column("output"),
    Column("cost (USD)"),
    Column("drift", leaves=7),
    Column("why", is_left=True, leaves=1),
)
HEADERS: Final = tuple(column.header for column in _COLUMNS)
_WHY_WIDTH: Final = 72
_IDS_SHOWN: Final = 3


def pass_lines(
    result: PassResult, root: Path, tolerance: Decimal | None, width: int | None = None
) -> list[str]:
    """The table and the lines below it; without a *width* each run has one line."""
    rows = [cells_of(run, result, root) for run in result.runs]
    if not rows:
        return [f"no token runs in {root}", *summary_lines(result, tolerance)]
    brief = [_shortened(row) for row in rows]
    if not fits(_COLUMNS, brief, width):
        # The reasons leave the rows first, and are then told in full.
        return [*draw_runs(_COLUMNS, rows, width), *summary_lines(result, tolerance)]
    # What the table cuts short follows in full.
    full = [f"run {row[0]}: {row[-1]}" for row in rows if len(row[-1]) > _WHY_WIDTH]
    return [*draw_runs(_COLUMNS, brief, width), *full, *summary_lines(result, tolerance)]


def cells_of(run: RunResult, result: PassResult, root: Path) -> list[str]:
    """A run's row, as text."""
    record = run.record
    attribution = record.reconciliation.attribution
    counts = record.reported
    figures = (counts.calls, counts.input_tokens, counts.cached_tokens, counts.output_tokens)
    shown = [f"{figure:,}" for figure in figures] if shows_figure(run) else [DASH] * len(figures)
    return [
        record.run_id,
        record.framework,
        shown_result_status(run),
        DASH if attribution is None else attribution.value,
        shown_reads(run, result.checks),
        shown_due(run, result.at_s),
        *shown,
        shown_cost(run),
        shown_drift(drift_of(record)),
        why(run, result, root),
    ]


def _shortened(cells: list[str]) -> list[str]:
    reason = cells[-1]
    if len(reason) <= _WHY_WIDTH:
        return cells
    return [*cells[:-1], f"{reason[: _WHY_WIDTH - 1]}…"]


def shown_drift(drift: Drift | None) -> str:
    """The largest difference of any counter, as a share of what the books have."""
    if drift is None:
        return DASH
    if not drift.share.is_finite():
        return "not in the books"
    return f"{drift.share:.2%}" if drift.share else "0"


def summary_lines(result: PassResult, tolerance: Decimal | None) -> Iterator[str]:
    """The sums, the premise, and everything that is wrong."""
    totals, cost_usd, unpriced = verified_totals(result)
    proven = sum(run.record.status is Status.VERIFIED for run in result.runs)
    disputed = sum(run.file.disputed for run in result.runs)
    still_open = len(result.open_runs)
    price = f"{format_usd(cost_usd)} USD" + (
        f" and {unpriced} of unknown price" if unpriced else ""
    )
    yield (
        f"verified: {proven - disputed} of {len(result.runs)} runs, {totals.calls:,} calls, "
        f"{totals.input_tokens:,} input ({totals.cached_tokens:,} cached), "
        f"{totals.output_tokens:,} output, {price}; open: {still_open}"
    )
    if any(premise_of(run) for run in result.runs):
        yield f"exclusive and remainder figures rest on this {PREMISE}"
    yield from _drift_lines(drifts_of(result), tolerance)
    yield from (f"query failed: {error}" for error in result.errors)
    yield from (f"disputed: {dispute.message}" for dispute in result.disputes)
    yield from (
        f"bad file, left as it is, and a possible neighbour of every run: {bad.error}"
        for bad in result.bad
    )


def _drift_lines(drifts: Drifts, tolerance: Decimal | None) -> Iterator[str]:
    total = drifts.total
    if total is None:
        return
    counted = len(set(drifts.runs).union(*drifts.groups))
    yield (
        f"drift (books less observed, {counted} runs): {_shown_gap(total)}; "
        f"at most {shown_drift(total)}"
    )
    for run_ids, drift in drifts.groups.items():
        books = drift.reported
        yield (
            f"the books of {_shown_group(run_ids)}: {books.calls:,} calls, "
            f"{books.input_tokens:,} input ({books.cached_tokens:,} cached), "
            f"{books.output_tokens:,} output; drift: {_shown_gap(drift)}; "
            f"at most {shown_drift(drift)}"
        )
    if tolerance is None:
        return
    named = [(f"run {run_id}", drift) for run_id, drift in drifts.runs.items()]
    named += [(_shown_group(run_ids), drift) for run_ids, drift in drifts.groups.items()]
    for name, drift in named:
        if drift.exceeds(tolerance):
            yield (
                f"drift of {name} is {shown_drift(drift)}, more than the tolerance of "
                f"{tolerance:.2%}"
            )


def _shown_gap(drift: Drift) -> str:
    gap = drift.surplus
    return (
        f"{gap.calls:+,} calls, {gap.input_tokens:+,} input, {gap.output_tokens:+,} output, "
        f"{gap.cached_tokens:+,} cached"
    )


def _shown_group(run_ids: Sequence[str]) -> str:
    more = len(run_ids) - _IDS_SHOWN
    shown = ", ".join(run_ids[:_IDS_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"the group of {shown}"
