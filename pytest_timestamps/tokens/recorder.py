"""A run while it runs: its window, its steps, and its file, always up to date enough."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pytest_timestamps.errors import LedgerError, TokenRunError
from pytest_timestamps.tokens.clock import Clock
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.record import Reconciliation, RunRecord, RunState, Step, UsageScope
from pytest_timestamps.tokens.usage import ObservedUsage, TokenCounts
from pytest_timestamps.tokens.window import NS_PER_S, Window

__all__ = ["STILL_RUNNING", "OpenStep", "RunPlan", "RunRecorder"]

STILL_RUNNING = "the run had not ended when this was written"


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What is known about a run before it starts."""

    run_id: str
    framework: str
    test: str | None = None
    worker: str | None = None
    usage_scope: UsageScope = field(default_factory=UsageScope)


class OpenStep:
    """A step that is going on: mutable until it ends."""

    def __init__(self, number: int, name: str, wall_ns: int, elapsed_ns: int) -> None:
        self.number = number
        self.name = name
        self.start_wall_ns = wall_ns
        self.start_elapsed_ns = elapsed_ns
        self.retries = 0
        self.human_interventions = 0

    def closed(self, wall_ns: int, elapsed_ns: int, success: bool) -> Step:
        """The step as a value, having ended at these readings of the clocks."""
        return Step(
            number=self.number,
            window=Window.covering(self.start_wall_ns, wall_ns),
            duration_s=_seconds(elapsed_ns - self.start_elapsed_ns),
            success=success,
            retries=self.retries,
            human_interventions=self.human_interventions,
            name=self.name,
        )


class RunRecorder:
    """Writes the file of one run: at its start, at each step's end, at each beat, at its end.

    Safe to use from several threads. *observe* gives what was seen of the run so far, None where
    nothing looks.
    In a forked child it does nothing: the run is the parent's.
    """

    def __init__(
        self,
        ledger: Ledger,
        plan: RunPlan,
        *,
        observe: Callable[[], ObservedUsage | None] = lambda: None,
        clock: Clock | None = None,
    ) -> None:
        self.plan = plan
        self.path: Path = ledger.path_of(plan.framework, plan.run_id)
        self._ledger = ledger
        self._observe = observe
        self._clock = clock or Clock()
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._window: Window | None = None
        self._start_elapsed_ns = 0
        self._steps: list[Step] = []
        self._open_step: OpenStep | None = None
        self._own_interventions = 0
        self._has_ended = False

    @property
    def start_s(self) -> int:
        """When the window opened; 0 before."""
        return 0 if self._window is None else self._window.start_s

    def start(self) -> None:
        """Open the window and put the first valid file on the disk.

        Raises `RunExistsError` if the id is taken, and `LedgerError`.
        """
        with self._lock:
            now_ns = self._clock.wall_ns()
            self._start_elapsed_ns = self._clock.elapsed_ns()
            self._window = Window.covering(now_ns, now_ns)
            self._ledger.create(self._record(RunState.RUNNING))

    def begin_step(self, name: str) -> OpenStep:
        """Open a step; only one can be open at a time."""
        with self._lock:
            self._require_running(f"step {name!r} can't begin")
            if self._open_step is not None:
                raise TokenRunError(
                    f"step {name!r} can't begin inside step {self._open_step.name!r}: steps don't "
                    "nest; end the first one before the next"
                )
            self._open_step = OpenStep(
                len(self._steps) + 1, name, self._clock.wall_ns(), self._clock.elapsed_ns()
            )
            return self._open_step

    def end_step(self, step: OpenStep, *, success: bool) -> None:
        """Close *step* and write the file."""
        with self._lock:
            if self._open_step is not step:
                raise TokenRunError(f"step {step.name!r} has ended already")
            self._open_step = None
            self._steps.append(
                step.closed(self._clock.wall_ns(), self._clock.elapsed_ns(), success)
            )
            self._write(RunState.RUNNING)

    def retry(self, step: OpenStep) -> None:
        """Count a retry of *step*."""
        with self._lock:
            self._require_open(step)
            step.retries += 1

    def human_intervention(self, step: OpenStep | None = None) -> None:
        """Count a human's intervention in *step*, or in the run outside any step."""
        with self._lock:
            if step is None:
                self._require_running("a human intervention can't be counted")
                self._own_interventions += 1
            else:
                self._require_open(step)
                step.human_interventions += 1

    def beat(self) -> None:
        """Extend the window to now and write it.

        A write that fails is tried again by the next beat, and raises at the latest at the end.
        """
        if self._pid != os.getpid():
            return
        with self._lock:
            if self._window is None or self._has_ended:
                return
            try:
                self._write(RunState.RUNNING)
            except TokenRunError:
                return

    def finish(self, state: RunState = RunState.FINISHED) -> RunRecord | None:
        """Close the window and write the last file; a second call does nothing.

        Raises `LedgerError` if that can't be written: the window on the disk is then too short.
        """
        if self._pid != os.getpid():
            return None
        with self._lock:
            if self._has_ended or self._window is None:
                return None
            self._has_ended = True
            return self._write(state)

    def _write(self, state: RunState) -> RunRecord:
        if self._pid != os.getpid():
            return self._record(state)
        assert self._window is not None
        self._window = self._window.extended_to(self._clock.wall_ns())
        record = self._record(state)
        try:
            return self._ledger.update(self.path, lambda current: _keeping_verdict(record, current))
        except LedgerError:
            if self.path.exists():
                raise
            # Somebody cleaned up behind us: the run itself is all there.
            self._ledger.restore(record)
            return record

    def _record(self, state: RunState) -> RunRecord:
        assert self._window is not None
        elapsed_ns = self._clock.elapsed_ns() - self._start_elapsed_ns
        open_interventions = self._open_step.human_interventions if self._open_step else 0
        return RunRecord(
            run_id=self.plan.run_id,
            framework=self.plan.framework,
            window=self._window,
            duration_s=_seconds(elapsed_ns),
            step_count=len(self._steps),
            human_interventions=self._own_interventions
            + open_interventions
            + sum(step.human_interventions for step in self._steps),
            steps=tuple(self._steps),
            state=state,
            test=self.plan.test,
            worker=self.plan.worker,
            usage_scope=self.plan.usage_scope,
            observed=_observed_in(state, self._observe()),
        )

    def _require_running(self, what: str) -> None:
        if self._window is None or self._has_ended:
            raise TokenRunError(f"{what}: run {self.plan.run_id} isn't running")

    def _require_open(self, step: OpenStep) -> None:
        if self._open_step is not step:
            raise TokenRunError(
                f"step {step.name!r} has ended; count retries and interventions inside its "
                "'with' block"
            )


def _observed_in(state: RunState, observed: ObservedUsage | None) -> ObservedUsage | None:
    """What the file may claim: whoever reads it after a crash must not take it for complete."""
    if observed is None or state is RunState.FINISHED:
        return observed
    return dataclasses.replace(
        observed,
        complete=False,
        incomplete_reasons=(*observed.incomplete_reasons, STILL_RUNNING),
    )


def _keeping_verdict(record: RunRecord, current: RunRecord) -> RunRecord:
    """*record* with what a reconciler wrote into its file meanwhile.

    A laptop that slept looks interrupted to others, who may have asked the books about it. Their
    attempts were about a shorter window if the run went on after them, and are void then.
    """
    verdict = current.reconciliation
    if any(attempt.timestamp_s <= record.window.end_s for attempt in verdict.attempts):
        return dataclasses.replace(
            record,
            reconciliation=Reconciliation(unknown=verdict.unknown),
            reported=TokenCounts(),
            cost_usd=0.0,
            unknown=current.unknown,
        )
    return dataclasses.replace(
        record,
        reconciliation=verdict,
        reported=current.reported,
        cost_usd=current.cost_usd,
        unknown=current.unknown,
    )


def _seconds(elapsed_ns: int) -> float:
    return max(0, elapsed_ns) / NS_PER_S
