"""One call of ``pytest-timestamps reconcile``: passes, output, exit status. No click in here."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from pytest_timestamps.errors import ArgumentError, BooksAccessError, BooksQueryError, RunFileError
from pytest_timestamps.tokens.reconcile.agenda import Selection
from pytest_timestamps.tokens.reconcile.costs import (
    DayCosts,
    compare_days,
    costs_entry,
    costs_lines,
)
from pytest_timestamps.tokens.reconcile.document import document_of
from pytest_timestamps.tokens.reconcile.drift import drifts_of
from pytest_timestamps.tokens.reconcile.reconciler import Planned, Reconciler
from pytest_timestamps.tokens.reconcile.report import Target, write_report
from pytest_timestamps.tokens.reconcile.result import PassResult
from pytest_timestamps.tokens.reconcile.table import pass_lines
from pytest_timestamps.tokens.reconcile.wording import shown_result_status

__all__ = ["FAILED", "STILL_OPEN", "Invocation", "Wishes"]

FAILED: Final = 1
STILL_OPEN: Final = 3
_SHORTEST_SLEEP_S: Final = 5
_LONGEST_SLEEP_S: Final = 600
_RUNNING_SLEEP_S: Final = 60

Lines = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asked for, but for the policy."""

    selection: Selection = field(default_factory=Selection)
    watch: bool = False
    dry_run: bool = False
    as_json: bool = False
    require_verified: bool = False
    tolerance: Decimal | None = None
    targets: Sequence[Target] = ()
    with_costs: bool = False


@dataclass(slots=True)
class Invocation:
    """A reconciler, and where its words go: *out* has the result, *note* the progress.

    *sleep* takes seconds; nothing else waits. *width* is that of the terminal, None for no limit.
    """

    reconciler: Reconciler
    out: Lines
    note: Lines
    sleep: Callable[[float], None]
    width: int | None = None
    failed_before: bool = False

    @property
    def root(self) -> Path:
        """The folder of runs."""
        return self.reconciler.ledger.root

    def run(self, wishes: Wishes) -> int:
        """Do it, and give the exit status."""
        self._check_selection(wishes.selection)
        if wishes.dry_run:
            self._show_plan(self.reconciler.plan(wishes.selection), wishes.as_json)
            return 0
        result = self._watched(wishes) if wishes.watch else self._pass(wishes.selection)
        days, refusal = None, None
        if wishes.with_costs:
            try:
                days = self._costs(result)
            except BooksAccessError as error:
                # The runs are settled by now: what was found about them is shown first.
                refusal = error
        if wishes.as_json:
            document = document_of(result, self.root, wishes.tolerance)
            if days is not None:
                document["costs"] = [costs_entry(day) for day in days]
            self.out(json.dumps(document, indent=1))
        else:
            lines = pass_lines(result, self.root, wishes.tolerance, self.width)
            for line in [*lines, *(costs_lines(days) if days is not None else ())]:
                self.out(line)
        for target in wishes.targets:
            write_report(target, result, self.root, wishes.tolerance)
            self.note(f"{target.format} report: {target.path}")
        if refusal is not None:
            raise refusal
        return self._status(result, wishes)

    def _status(self, result: PassResult, wishes: Wishes) -> int:
        tolerance = wishes.tolerance
        drifts = drifts_of(result)
        exceeded = tolerance is not None and any(
            drift.exceeds(tolerance) for drift in (*drifts.runs.values(), *drifts.groups.values())
        )
        failed = self.failed_before or result.has_failures or exceeded
        if failed:
            return FAILED
        return STILL_OPEN if wishes.require_verified and result.open_runs else 0

    def _watched(self, wishes: Wishes) -> PassResult:
        asked: set[str] = set()
        while True:
            result = self._pass(wishes.selection, only_due=True)
            asked |= {run.record.run_id for run in result.runs if run.was_asked}
            self._note_pass(result)
            self.failed_before = self.failed_before or any(
                run.became_failed and not run.is_open for run in result.runs
            )
            waiting = [run for run in result.runs if run.can_settle]
            if not waiting:
                return replace(
                    result,
                    runs=tuple(
                        replace(run, was_asked=run.record.run_id in asked) for run in result.runs
                    ),
                )
            dues = [
                run.due_s if run.due_s is not None else result.at_s + _RUNNING_SLEEP_S
                for run in waiting
            ]
            pause_s = min(max(min(dues) - result.at_s, _SHORTEST_SLEEP_S), _LONGEST_SLEEP_S)
            self.note(f"{len(waiting)} runs are open; looking again in {pause_s} s")
            self.sleep(pause_s)

    def _costs(self, result: PassResult) -> list[DayCosts] | None:
        """The days of the runs; None, and a failure, where the books don't answer."""
        made = self.reconciler
        runs = [run.record for run in result.runs]
        try:
            return compare_days(
                made.source(), runs, result.at_s, made.policy.endpoints, made.overrides
            )
        except (BooksQueryError, RunFileError) as error:
            self.note(f"costs can't be compared: {error}")
            self.failed_before = True
            return None

    def _pass(self, selection: Selection, *, only_due: bool = False) -> PassResult:
        return self.reconciler.run_pass(selection, only_due=only_due)

    def _note_pass(self, result: PassResult) -> None:
        at = f"{datetime.fromtimestamp(result.at_s, UTC):%H:%M:%S}"
        for run in result.runs:
            if run.was_asked:
                record = run.record
                self.note(f"{at} {record.framework} {record.run_id}: {shown_result_status(run)}")
        for error in result.errors:
            self.note(f"{at} query failed: {error}")

    def _check_selection(self, selection: Selection) -> None:
        if selection == Selection():
            return
        runs = self.reconciler.plan().listing.runs
        if any(selection.takes(run) for run in runs):
            return
        if selection.run_id is not None:
            of = f" of framework {selection.framework!r}" if selection.framework else ""
            raise ArgumentError(
                f"--run: there is no run {selection.run_id}{of} in {self.root}; "
                f"pytest-timestamps runs {self.root} lists what there is"
            )
        known = ", ".join(sorted({run.record.framework for run in runs})) or "none"
        raise ArgumentError(
            f"--framework: there is no run of {selection.framework!r} in {self.root}; "
            f"expected one of: {known}"
        )

    def _show_plan(self, planned: Planned, as_json: bool) -> None:
        queries = planned.queries
        if as_json:
            entries = [
                {"path": f"/organization/usage/{query.endpoint}", "params": query.params()}
                for query in queries
            ]
            self.out(json.dumps({"format_version": 1, "queries": entries}, indent=1))
            return
        for query in queries:
            start, end = (
                f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M}"
                for second in (query.window.start_s, query.window.end_s)
            )
            keys = ", ".join(query.api_key_ids) or "all"
            self.out(
                f"GET /organization/usage/{query.endpoint}: {start} to {end} UTC, "
                f"{query.buckets:,} buckets of 1m, by {', '.join(query.group_by)}; keys: {keys}"
            )
        runs = sum(len(group.members) for group in planned.agenda.ready)
        self.out(
            f"{len(queries)} requests would ask about {runs} runs in "
            f"{len(planned.agenda.ready)} groups; {len(planned.agenda.waiting)} runs have to wait"
        )
