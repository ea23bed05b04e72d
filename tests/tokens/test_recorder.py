"""A run while it runs: its file is valid and covers what happened, at every moment."""

from __future__ import annotations

import dataclasses
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_timestamps.errors import LedgerError, RunSettledError, TokenRunError
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.listing import list_runs
from pytest_timestamps.tokens.record import (
    Attempt,
    Reconciliation,
    RunState,
    Status,
    UsageScope,
)
from pytest_timestamps.tokens.recorder import STILL_RUNNING, RunPlan, RunRecorder
from pytest_timestamps.tokens.usage import ObservedUsage, TokenCounts
from pytest_timestamps.tokens.window import Window
from tests.tokens.conftest import FakeClock

PLAN = RunPlan(
    run_id="0b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a10",
    framework="baes",
    test="tests/test_a.py::test_b",
    worker="gw0",
    usage_scope=UsageScope("key_abcdefghijkl", "proj_1"),
)


@pytest.fixture
def recorder(ledger: Ledger, time: FakeClock) -> RunRecorder:
    """A run that is about to start."""
    return RunRecorder(ledger, PLAN, clock=time.clock)


def test_the_first_file_is_valid_and_a_second_long(
    ledger: Ledger, recorder: RunRecorder, time: FakeClock
) -> None:
    """From its first moment the run has a file with a window around that moment."""
    time.set_wall(1_000.4)
    recorder.start()
    record = ledger.read(recorder.path)
    assert record.window == Window(1_000, 1_001)
    assert record.state is RunState.RUNNING
    assert (record.test, record.worker) == ("tests/test_a.py::test_b", "gw0")
    assert record.usage_scope == UsageScope("key_abcdefghijkl", "proj_1")
    assert (record.steps, record.step_count, record.human_interventions) == ((), 0, 0)


def test_each_beat_moves_the_end(ledger: Ledger, recorder: RunRecorder, time: FakeClock) -> None:
    """What a beat wrote is on the disk, whatever happens next."""
    recorder.start()
    time.advance(4.2)
    recorder.beat()
    assert ledger.read(recorder.path).window == Window(1_000, 1_005)


def test_a_finished_run_is_rounded_outward(
    ledger: Ledger, recorder: RunRecorder, time: FakeClock
) -> None:
    """The end is ceiled, the duration isn't."""
    recorder.start()
    time.advance(9.25)
    recorder.finish()
    record = ledger.read(recorder.path)
    assert record.window == Window(1_000, 1_010)
    assert record.duration_s == 9.25
    assert record.state is RunState.FINISHED


def test_nothing_is_written_after_the_end(
    ledger: Ledger, recorder: RunRecorder, time: FakeClock
) -> None:
    """A late beat and a second end change nothing."""
    recorder.start()
    recorder.finish()
    time.advance(100)
    recorder.beat()
    assert recorder.finish() is None
    assert ledger.read(recorder.path).window == Window(1_000, 1_001)


def test_a_clock_set_back_uncovers_nothing(
    ledger: Ledger, recorder: RunRecorder, time: FakeClock
) -> None:
    """The window never becomes shorter."""
    recorder.start()
    time.advance(50)
    recorder.beat()
    time.set_wall(3)
    recorder.finish()
    assert ledger.read(recorder.path).window == Window(1_000, 1_050)


def test_a_step_is_written_at_its_end(
    ledger: Ledger, recorder: RunRecorder, time: FakeClock
) -> None:
    """An open step is absent; an ended one is there at once, with what was counted in it."""
    recorder.start()
    time.advance(1.5)
    step = recorder.begin_step("plan")
    recorder.retry(step)
    recorder.human_intervention(step)
    recorder.human_intervention()
    recorder.beat()
    assert ledger.read(recorder.path).steps == ()
    assert ledger.read(recorder.path).human_interventions == 2
    time.advance(2.0)
    recorder.end_step(step, success=False)
    record = ledger.read(recorder.path)
    (written,) = record.steps
    assert written.window == Window(1_001, 1_004)
    assert (written.number, written.name, written.duration_s) == (1, "plan", 2.0)
    assert (written.retries, written.human_interventions, written.success) == (1, 1, False)
    assert (record.step_count, record.human_interventions) == (1, 2)


def test_a_step_of_no_time_covers_a_second(
    ledger: Ledger, recorder: RunRecorder, time: FakeClock
) -> None:
    """Even a step between two ticks has a window that a reader accepts."""
    recorder.start()
    recorder.end_step(recorder.begin_step("quick"), success=True)
    recorder.end_step(recorder.begin_step("again"), success=True)
    steps = ledger.read(recorder.path).steps
    assert [step.number for step in steps] == [1, 2]
    assert {step.window for step in steps} == {Window(1_000, 1_001)}


def test_steps_do_not_nest(recorder: RunRecorder) -> None:
    """A step inside a step is refused, naming both."""
    recorder.start()
    recorder.begin_step("outer")
    with pytest.raises(TokenRunError, match="step 'inner' can't begin inside step 'outer'"):
        recorder.begin_step("inner")


def test_an_ended_step_counts_no_more(recorder: RunRecorder) -> None:
    """Late retries, interventions and ends are errors, not silently lost."""
    recorder.start()
    step = recorder.begin_step("plan")
    recorder.end_step(step, success=True)
    with pytest.raises(TokenRunError, match="step 'plan' has ended; count retries"):
        recorder.retry(step)
    with pytest.raises(TokenRunError, match="step 'plan' has ended; count retries"):
        recorder.human_intervention(step)
    with pytest.raises(TokenRunError, match="step 'plan' has ended already"):
        recorder.end_step(step, success=True)


def test_an_ended_run_has_no_more_steps(recorder: RunRecorder) -> None:
    """A step outside the run's time is an error that names the run."""
    recorder.start()
    recorder.finish()
    with pytest.raises(TokenRunError, match=f"step 'late' can't begin: run {PLAN.run_id} isn't"):
        recorder.begin_step("late")
    with pytest.raises(TokenRunError, match="a human intervention can't be counted: run"):
        recorder.human_intervention()


def test_an_unfinished_file_never_claims_completeness(ledger: Ledger, time: FakeClock) -> None:
    """What a crash leaves behind says that its observation is incomplete, and why."""
    seen = ObservedUsage(3, 30, 10, 5)
    recorder = RunRecorder(ledger, PLAN, observe=lambda: seen, clock=time.clock)
    recorder.start()
    observed = ledger.read(recorder.path).observed
    assert observed is not None
    assert (observed.counts, observed.complete) == (seen.counts, False)
    assert observed.incomplete_reasons == (STILL_RUNNING,)
    recorder.finish()
    assert ledger.read(recorder.path).observed == seen


def pending(at_s: int) -> Reconciliation:
    """One query of the books, made at *at_s*."""
    return Reconciliation(Status.PENDING, (Attempt(at_s, TokenCounts(1, 2, 3), Status.PENDING),))


def test_what_a_reconciler_wrote_is_kept(
    ledger: Ledger, recorder: RunRecorder, time: FakeClock
) -> None:
    """A run that was asked about while it ended keeps those attempts and figures."""
    recorder.start()
    ledger.update(
        recorder.path,
        lambda run: dataclasses.replace(
            run, reconciliation=pending(5_000), reported=TokenCounts(1, 2, 3)
        ),
    )
    recorder.finish()
    record = ledger.read(recorder.path)
    assert record.reconciliation == pending(5_000)
    assert record.reported == TokenCounts(1, 2, 3)


def test_attempts_about_a_shorter_window_are_void(
    ledger: Ledger, recorder: RunRecorder, time: FakeClock
) -> None:
    """A laptop that slept, was taken for dead and woke up starts its chain anew."""
    recorder.start()
    ledger.update(
        recorder.path,
        lambda run: dataclasses.replace(
            run, reconciliation=pending(5_000), reported=TokenCounts(1, 2, 3)
        ),
    )
    time.advance(7_000)
    recorder.finish()
    record = ledger.read(recorder.path)
    assert record.reconciliation == Reconciliation()
    assert record.reported == TokenCounts()
    assert record.window == Window(1_000, 8_000)


def test_a_verified_run_that_wakes_up_fails(
    ledger: Ledger, recorder: RunRecorder, time: FakeClock
) -> None:
    """What is verified stays as it is, and the run learns it."""
    recorder.start()
    verified = Reconciliation(
        Status.VERIFIED, (Attempt(5_000, TokenCounts(), Status.VERIFIED),), verified_at_s=5_000
    )
    ledger.update(recorder.path, lambda run: dataclasses.replace(run, reconciliation=verified))
    before = recorder.path.read_bytes()
    time.advance(7_000)
    with pytest.raises(RunSettledError, match="never rewritten"):
        recorder.finish()
    assert recorder.path.read_bytes() == before


def test_a_disk_that_fills_up_fails_the_run_and_spoils_nothing(
    tmp_path: Path, time: FakeClock
) -> None:
    """Beats survive a full disk; the end says what couldn't be written; the file stays whole."""
    full = False

    def write(path: Path, content: bytes) -> None:
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        path.write_bytes(content)

    ledger = Ledger(tmp_path / "runs", write=write)
    recorder = RunRecorder(ledger, PLAN, clock=time.clock)
    recorder.start()
    time.advance(3)
    recorder.beat()
    full = True
    time.advance(3)
    recorder.beat()
    with pytest.raises(LedgerError, match=re.escape(f"{recorder.path} can't be written: No space")):
        recorder.finish()
    record = ledger.read(recorder.path)
    assert record.window == Window(1_000, 1_003)
    assert record.state is RunState.RUNNING


def test_a_deleted_folder_is_written_again(
    ledger: Ledger, recorder: RunRecorder, time: FakeClock
) -> None:
    """A test that cleans up too much doesn't lose its run."""
    recorder.start()
    shutil.rmtree(ledger.root)
    time.advance(5)
    recorder.finish()
    assert ledger.read(recorder.path).window == Window(1_000, 1_005)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_forked_child_leaves_the_run_to_its_parent(
    ledger: Ledger, recorder: RunRecorder, time: FakeClock
) -> None:
    """Beats and ends in a child write nothing."""
    recorder.start()
    before = recorder.path.read_bytes()
    time.advance(5)
    child = os.fork()
    if child == 0:
        recorder.beat()
        os._exit(0 if recorder.finish() is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert recorder.path.read_bytes() == before


VICTIM = """
import sys
from pathlib import Path
from pytest_timestamps.tokens.clock import Clock
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.recorder import RunPlan, RunRecorder

ledger = Ledger(Path(sys.argv[1]))
ledger.prepare()
plan = RunPlan(run_id="0b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a10", framework="baes")
moment = iter(range(1_000 * 10**9, 10**18, 10**9))
recorder = RunRecorder(ledger, plan, clock=Clock(lambda: next(moment)))
recorder.start()
print("started", flush=True)
while True:
    recorder.beat()
    recorder.end_step(recorder.begin_step("x"), success=True)
    print(ledger.read(recorder.path).window.end_s, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 2, 7, 12])
def test_a_kill_at_any_moment_leaves_a_valid_file(tmp_path: Path, lines: int) -> None:
    """A process killed while it writes as fast as it can leaves all that it had reported."""
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(tmp_path / "runs")], stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        read = [victim.stdout.readline() for _ in range(lines)]
        victim.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        read += victim.stdout.readlines()
    listing = list_runs(Ledger(tmp_path / "runs"))
    assert listing.bad == ()
    (run,) = listing.runs
    assert run.record.state is RunState.RUNNING
    whole = [line for line in read[1:] if line.endswith("\n")]
    assert run.record.window.end_s >= (int(whole[-1]) if whole else 1_001)
