"""The runs of a session as a table, and as entries of the JSON report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from pytest_timestamps.analysis.text import format_usd
from pytest_timestamps.errors import TokenRunError
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.pricing import ModelPrice, price_usage
from pytest_timestamps.tokens.record import RunRecord
from pytest_timestamps.tokens.tables import Column, draw_runs
from pytest_timestamps.tokens.usage import ObservedUsage

__all__ = ["report_entries", "run_table"]

_Prices = Mapping[str, ModelPrice]
"""Prices of one's own, by model."""

_COLUMNS = (
    Column("run", is_left=True),
    Column("framework", is_left=True, leaves=3, is_told=False),  # the file's path has it
    Column("test", is_left=True, leaves=2),
    Column("duration"),
    Column("steps"),
    Column("calls"),
    Column("input"),
    Column("cached"),
    Column("output"),
    Column("cost (USD)"),
    Column("complete", is_left=True),
    Column("file", is_left=True, leaves=1),
)


def run_table(paths: Iterable[Path], root: Path, prices: _Prices, width: int | None) -> list[str]:
    """The lines of the table, one row a run, and below it what makes tallies incomplete.

    Without a *width* each run has one line, however long.
    """
    rows: list[list[str]] = []
    notes: list[str] = []
    for path in paths:
        try:
            record = Ledger(path.parents[2]).read(path)
        except TokenRunError as error:
            notes.append(str(error))
            continue
        rows.append([*_cells(record, prices), _shown_path(path, root)])
        notes += _notes(record, prices)
    if not rows:
        return notes
    return [*draw_runs(_COLUMNS, rows, width), *notes]


def report_entries(paths: Iterable[Path], prices: _Prices) -> list[Mapping[str, object]]:
    """Each run as its own file has it, with the place of that file and what was observed priced.

    A file that can't be read is left out: the table names it.
    """
    entries: list[Mapping[str, object]] = []
    for path in paths:
        try:
            record = Ledger(path.parents[2]).read(path)
            entry: dict[str, object] = json.loads(path.read_bytes())
        except (TokenRunError, OSError):
            continue
        if record.observed is not None:
            start_s = record.window.start_s
            entry["observed"] = _priced(entry["observed"], record.observed, start_s, prices)
        entries.append({**entry, "file": str(path)})
    return entries


def _priced(entry: object, seen: ObservedUsage, at_s: int, prices: _Prices) -> dict[str, object]:
    """The run file's ``observed`` with its cost: null, never 0, where a price is unknown."""
    assert isinstance(entry, dict)
    cost = price_usage(seen.by_model, at_s, overrides=prices)
    details = {"unpriced": list(cost.unpriced), "is_upper_bound": cost.is_upper_bound}
    usd = None if cost.usd is None else float(cost.usd)
    return {**entry, "cost_usd": usd, "cost": details}


def _cells(record: RunRecord, prices: _Prices) -> list[str]:
    seen = record.observed
    start = [
        record.run_id.partition("-")[0],
        record.framework,
        record.test or "-",
        f"{record.duration_s:.2f} s",
        str(record.step_count),
    ]
    if seen is None:
        return [*start, "-", "-", "-", "-", "-", "-"]
    cost = price_usage(seen.by_model, record.window.start_s, overrides=prices)
    shown = "-" if cost.usd is None else format_usd(cost.usd)
    return [
        *start,
        f"{seen.calls:,}",
        f"{seen.input_tokens:,}",
        f"{seen.cached_tokens:,}",
        f"{seen.output_tokens:,}",
        f"<= {shown}" if cost.is_upper_bound and cost.usd is not None else shown,
        "yes" if seen.complete else "no",
    ]


def _notes(record: RunRecord, prices: _Prices) -> list[str]:
    short, seen, notes = record.run_id.partition("-")[0], record.observed, []
    if seen is not None:
        if not seen.complete:
            reasons = "; ".join(seen.incomplete_reasons) or "no reason was recorded"
            notes.append(f"{short} is incomplete: {reasons}")
        cost = price_usage(seen.by_model, record.window.start_s, overrides=prices)
        unpriced = cost.unpriced
        if unpriced:
            notes.append(f"{short} has no cost: no known price for {', '.join(unpriced)}")
        if seen.replayed:
            notes.append(f"{short} had {seen.replayed} replayed answers, which cost nothing")
    if record.usage_scope.api_key_id is None:
        notes.append(f"{short} can't be reconciled: it has no key id")
    return notes


def _shown_path(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
