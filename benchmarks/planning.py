"""Planning the reconciliation of a large ledger: 10,000 runs are read, grouped and asked for."""

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import process_time
from typing import NoReturn

from benchmarks.results import Row
from benchmarks.targets import PLANNING_S
from pytest_timestamps.tokens import contract
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.reconcile.policy import Policy
from pytest_timestamps.tokens.reconcile.reconciler import Reconciler
from pytest_timestamps.tokens.record import RunRecord, RunState, UsageScope
from pytest_timestamps.tokens.window import Window

__all__ = ["planning"]

RUNS = 10_000
START_S = 1_750_000_000


def planning(quick: bool) -> Iterator[Row]:
    """Processor time of one plan, the files in the system's cache."""
    seconds = []
    with tempfile.TemporaryDirectory() as name:
        _write_ledger(Path(name))
        for _ in range(2 if quick else 5):
            reconciler = Reconciler(Ledger(Path(name)), Policy(), _nobody, _later)
            before_s = process_time()
            planned = reconciler.plan()
            seconds.append(process_time() - before_s)
            assert len(planned.listing.runs) == RUNS
    section = f"reconciliation of {RUNS:,} runs"
    yield Row(section, "planned", median(seconds), "s", PLANNING_S)


def _write_ledger(root: Path) -> None:
    # One run is encoded and the others are made from its text.
    run_id = str(uuid.UUID(int=0))
    record = RunRecord(
        run_id=run_id,
        framework="baes",
        window=Window(START_S, START_S + 30),
        duration_s=1.0,
        state=RunState.FINISHED,
        usage_scope=UsageScope("key_benchmarks01"),
    )
    text = contract.encode(record, "a benchmark").decode()
    for number in range(RUNS):
        other, start_s = str(uuid.UUID(int=number + 1)), START_S + number * 40
        folder = root / "baes" / other
        folder.mkdir(parents=True)
        moved = text.replace(str(START_S + 30), str(start_s + 30))
        moved = moved.replace(str(START_S), str(start_s)).replace(run_id, other)
        (folder / "metrics.json").write_text(moved)


def _nobody() -> NoReturn:
    raise AssertionError("planning asks nobody")


def _later() -> int:
    return START_S + 60 * 86_400
