"""What lies in a ledger: the good runs, the bad files, and what may be thrown away."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_timestamps.errors import LedgerError, RunFieldValueError, RunFileError
from pytest_timestamps.tokens.ledger import RUN_FILE, Ledger
from pytest_timestamps.tokens.record import RunRecord, RunState, Status

__all__ = [
    "DISPUTE_FILE",
    "INTERRUPTED_AFTER_S",
    "BadFile",
    "Listing",
    "RunFile",
    "list_runs",
    "prunable",
    "state_at",
]

DISPUTE_FILE: Final = "dispute.json"
"""Lies beside a verified file whose run turned out to have had company."""

INTERRUPTED_AFTER_S: Final = 60
"""A running run says so every few seconds; one silent for longer is taken for dead."""

NEIGHBOUR_MARGIN_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class RunFile:
    """A run and where its file is."""

    path: Path
    record: RunRecord
    disputed: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether no query of the books can change it any more."""
        if self.disputed:
            return False
        failure = self.record.reconciliation.failure
        if self.record.status is Status.FAILED:
            return failure is not None and failure.final
        return self.record.status is Status.VERIFIED


@dataclass(frozen=True, slots=True)
class BadFile:
    """A file that can't be used as a run, or a folder that can't be listed, and why.

    It is left as it is.
    """

    path: Path
    error: RunFileError | LedgerError


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything in a ledger: runs by start, and bad files by path."""

    runs: tuple[RunFile, ...]
    bad: tuple[BadFile, ...]


def list_runs(ledger: Ledger) -> Listing:
    """Read all files of *ledger*; a bad one is listed as such and the others go on.

    Of several files with one run id, all but one are bad: the one in a folder of that name is
    good, else the first. So a folder that was copied within the ledger counts once.
    """
    # Ten thousand runs are a million objects and no cycle: looking for cycles among them again
    # and again would take a third of the time.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return _listing(ledger)
    finally:
        if was_enabled:
            gc.enable()


def _listing(ledger: Ledger) -> Listing:
    runs: dict[str, RunFile] = {}
    bad: list[BadFile] = []
    for path in ledger.paths(lambda folder, error: bad.append(BadFile(folder, error))):
        try:
            run = RunFile(path, ledger.read(path), path.with_name(DISPUTE_FILE).exists())
        except (RunFileError, LedgerError) as error:
            bad.append(BadFile(path, error))
            continue
        rival = runs.setdefault(run.record.run_id.lower(), run)
        if rival is not run:
            good, other = (
                (rival, run) if _is_at_home(rival) or not _is_at_home(run) else (run, rival)
            )
            runs[run.record.run_id.lower()] = good
            bad.append(BadFile(other.path, _duplicate(other, good)))
    return Listing(
        runs=tuple(sorted(runs.values(), key=lambda run: (run.record.window, run.path))),
        bad=tuple(sorted(bad, key=lambda file: file.path)),
    )


def state_at(record: RunRecord, now_s: int) -> RunState:
    """What the run is at *now_s*: one that says running and was silent too long is interrupted.

    The test is the age of what it wrote, not its process: it may run on another machine.
    """
    state = record.state or RunState.FINISHED
    if state is RunState.RUNNING and record.window.end_s < now_s - INTERRUPTED_AFTER_S:
        return RunState.INTERRUPTED
    return state


def prunable(runs: Iterable[RunFile], older_than_s: int, now_s: int) -> list[RunFile]:
    """The settled runs that ended more than *older_than_s* before *now_s* and nobody needs.

    A run that isn't settled yet still needs those that ran within a day of it: without them it
    would look as if it had been alone on its key.
    """
    runs = list(runs)
    still_open = [run.record for run in runs if not run.is_settled]
    return [
        run
        for run in runs
        if run.is_settled
        and run.record.window.end_s < now_s - older_than_s
        and not any(_may_be_neighbours(run.record, other) for other in still_open)
    ]


def _may_be_neighbours(one: RunRecord, other: RunRecord) -> bool:
    keys = {one.usage_scope.api_key_id, other.usage_scope.api_key_id}
    if None not in keys and len(keys) == 2:
        return False
    return (
        one.window.start_s < other.window.end_s + NEIGHBOUR_MARGIN_S
        and other.window.start_s < one.window.end_s + NEIGHBOUR_MARGIN_S
    )


def _is_at_home(run: RunFile) -> bool:
    return run.path.parts[-3:] == (run.record.framework, run.record.run_id, RUN_FILE)


def _duplicate(run: RunFile, good: RunFile) -> RunFieldValueError:
    return RunFieldValueError(
        run.path, "run_id", repr(run.record.run_id), f"an id of its own; {good.path} has it too"
    )
