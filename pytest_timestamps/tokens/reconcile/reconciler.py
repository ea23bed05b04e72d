"""One pass over a ledger: lock, read, plan, ask, decide, write one file at a time."""

from __future__ import annotations

import contextlib
import gc
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from pytest_timestamps.errors import LedgerError, RunFileError
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.listing import Listing, RunFile, list_runs
from pytest_timestamps.tokens.pricing import ModelPrice
from pytest_timestamps.tokens.reconcile.agenda import (
    Agenda,
    Selection,
    asked_of,
    make_agenda,
)
from pytest_timestamps.tokens.reconcile.disputes import Dispute, find_disputes, write_dispute
from pytest_timestamps.tokens.reconcile.fetching import Answers, fetch_all
from pytest_timestamps.tokens.reconcile.pages import UsageSource
from pytest_timestamps.tokens.reconcile.plan import Query, plan_queries
from pytest_timestamps.tokens.reconcile.policy import Policy
from pytest_timestamps.tokens.reconcile.proof import Refusal, Verdict, prove
from pytest_timestamps.tokens.reconcile.result import PassResult
from pytest_timestamps.tokens.reconcile.results import Change, run_results
from pytest_timestamps.tokens.reconcile.state import Asked, FailedQuery, NextState, next_status
from pytest_timestamps.tokens.reconcile.windows import Group, find_groups
from pytest_timestamps.tokens.reconcile.writing import applied
from pytest_timestamps.tokens.record import RunRecord, Status

__all__ = ["EVERYTHING", "Planned", "Reconciler"]

EVERYTHING: Final = Selection()
_LOCK_FILE: Final = ".reconcile.lock"
_LOCK_TIMEOUT_S: Final = 900.0


@dataclass(frozen=True, slots=True)
class Planned:
    """What a pass would ask at this moment."""

    listing: Listing
    groups: tuple[Group, ...]
    agenda: Agenda
    queries: tuple[Query, ...]


@dataclass(slots=True)
class Reconciler:
    """Settles the runs of *ledger* by what *source* answers.

    *now_s* is the only clock. *on_plan* hears the number of questions, *on_page* every page.
    """

    ledger: Ledger
    policy: Policy
    source: Callable[[], UsageSource]
    now_s: Callable[[], float]
    overrides: Mapping[str, ModelPrice] = field(default_factory=dict)
    on_plan: Callable[[int], None] = lambda count: None
    on_page: Callable[[], None] = lambda: None

    def plan(self, selection: Selection = EVERYTHING, *, only_due: bool = False) -> Planned:
        """What `run_pass` would ask now; nothing is written, nobody is asked."""
        now_s = self._whole_now_s()
        with _without_garbage_collection():
            listing = list_runs(self.ledger)
            groups = find_groups(listing.runs, now_s, self.policy.lag_s)
            agenda = make_agenda(groups, selection, self.policy, now_s, only_due=only_due)
            queries = plan_queries(agenda.wants(), self.policy.endpoints)
        return Planned(listing, tuple(groups), agenda, tuple(queries))

    def run_pass(self, selection: Selection = EVERYTHING, *, only_due: bool = False) -> PassResult:
        """Ask once about every run that may be asked about, and write what that makes of it.

        No other reconciler is at work in the folder meanwhile. All questions are asked before
        the first file is written, so that a refused key (`BooksAccessError`) leaves no trace.
        """
        with self._locked():
            planned = self.plan(selection, only_due=only_due)
            disputes, errors = self._note_disputes(planned.groups)
            answers = None
            if planned.queries:
                self.on_plan(len(planned.queries))
                answers = fetch_all(self.source(), planned.queries, self._whole_now_s, self.on_page)
            changes = self._settle(planned, answers) if answers is not None else {}
        now_s = self._whole_now_s()
        disputed = {dispute.run_id for dispute in disputes}
        runs = run_results(planned, changes, selection, self.policy, disputed)
        return PassResult(
            now_s,
            self.policy.checks,
            runs,
            planned.listing.bad,
            tuple(disputes),
            len(planned.queries),
            (*errors, *(answers.errors if answers is not None else ())),
        )

    def _settle(self, planned: Planned, answers: Answers) -> dict[str, Change]:
        changes: dict[str, Change] = {}
        bad = tuple(str(self._shown(file.path)) for file in planned.listing.bad)
        for group in planned.agenda.ready:
            answer = answers.of(group)
            verdicts: dict[str, Verdict] = {}
            if not isinstance(answer, FailedQuery):
                verdicts = prove(group, answer, trust_books=self.policy.trust_books)
            asked = asked_of(group, self.policy)
            for member in group.members:
                if member.run_id not in planned.agenda.open_ids:
                    continue
                verdict = verdicts.get(member.run_id)
                before = member.record.reconciliation
                state = next_status(before, asked, answer, verdict, self.policy)
                changes[member.run_id] = self._write(member.file, asked, state, verdict, bad)
        return changes

    def _write(
        self, file: RunFile, asked: Asked, state: NextState, verdict: Verdict, bad: tuple[str, ...]
    ) -> Change:
        refusal = verdict if isinstance(verdict, Refusal) else None
        after = applied(file.record, asked, state, refusal, self.overrides, bad)

        def change(current: RunRecord) -> RunRecord:
            # The run may have gone on, or somebody without our lock may have written.
            return after if current == file.record else current

        try:
            written = self.ledger.update(file.path, change)
        except (LedgerError, RunFileError) as error:
            return Change(file, error=str(error))
        if written is not after:
            return Change(replace(file, record=written), error=None)
        return Change(
            replace(file, record=written),
            was_asked=True,
            became_failed=written.status is Status.FAILED,
            warning=state.warning,
        )

    def _note_disputes(self, groups: tuple[Group, ...]) -> tuple[list[Dispute], list[str]]:
        found, errors = find_disputes(groups), []
        for dispute in found:
            try:
                write_dispute(dispute, self._whole_now_s())
            except OSError as error:
                errors.append(f"{dispute.path.parent}: a dispute can't be noted: {error.strerror}")
        return found, errors

    def _whole_now_s(self) -> int:
        return math.floor(self.now_s())

    def _shown(self, path: Path) -> Path:
        root = self.ledger.root
        return path.relative_to(root) if path.is_relative_to(root) else path

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        import filelock

        lock = filelock.FileLock(self.ledger.root / _LOCK_FILE, timeout=_LOCK_TIMEOUT_S)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise LedgerError(
                f"{self.ledger.root} is being reconciled by another process, for more than "
                f"{_LOCK_TIMEOUT_S:.0f} s now; wait for it, or end it"
            ) from None
        except OSError as error:
            raise LedgerError(
                f"{self.ledger.root} can't be locked: {error.strerror or error}; expected a "
                "folder that can be written to"
            ) from error
        try:
            yield
        finally:
            lock.release()


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Reading 10,000 runs makes a million small objects that all stay; looking through them for
    garbage again and again took half of the time (5.4 s against 2.5 s).
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
