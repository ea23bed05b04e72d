"""The hooks around a test that is, or is part of, a token run."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Generator, Sequence

import pytest

from pytest_timestamps.errors import TimestampsError, TokenRunError
from pytest_timestamps.plugin.token_masking import (
    compare_masked,
    mask_live_logs,
    mask_report,
    mask_warning,
)
from pytest_timestamps.plugin.token_plan import PlannedRun
from pytest_timestamps.plugin.token_session import LiveRun, RunSession
from pytest_timestamps.tokens import observed
from pytest_timestamps.tokens.record import RunState
from pytest_timestamps.tokens.recorder import OpenStep
from pytest_timestamps.tokens.run import StepHandle, TokenRun

__all__ = ["PROBLEMS_KEY", "RUN", "RunsPlugin"]

RUN = pytest.StashKey[TokenRun]()
PROBLEMS_KEY = "token_run_problems"
"""A worker's parting message to the controller, in ``workeroutput``."""

_FAILED = pytest.StashKey[bool]()


class _Going:
    """One test of a run, while it goes on."""

    def __init__(self, live: LiveRun, stack: contextlib.ExitStack, step: OpenStep | None) -> None:
        self.live = live
        self.stack = stack
        self.step = step


class RunsPlugin:
    """Registered in the processes that run tests, if a token run is among them.

    A run of one test lasts from its set-up to its teardown, each rerun anew; a wider one from the
    first set-up of its tests to the end of the last of them.
    """

    def __init__(self, config: pytest.Config, session: RunSession, runs: Sequence[PlannedRun]):
        self.problems: list[str] = []
        self.session = session
        self._config = config
        self._planned = {test: run for run in runs for test in run.tests}
        self._waiting = {id(run): set(run.tests) for run in runs}
        self._shared: dict[int, LiveRun] = {}
        self._going: dict[pytest.Item, _Going] = {}
        # Before the loop that runs the tests, and taken back after it: what others replace for
        # the loop's duration is then replaced and put back inside of this.
        observed.activate()
        mask_live_logs(config, session.secrets)

    # Neither first nor last: a test that is skipped by its marker has no run, and the run of
    # one that isn't has begun when its fixtures are set up.
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        planned = self._planned.get(item.nodeid)
        if planned is None:
            return
        item.stash[_FAILED] = False
        complaint: str | None = None
        try:
            self._enter(item, planned)
        except TimestampsError as error:
            complaint = str(error)
        if complaint is not None:
            pytest.fail(complaint, pytrace=False)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        result = yield
        going = self._going.get(item)
        if going is not None and (complaint := self.session.breach(going.live)) is not None:
            pytest.fail(complaint, pytrace=False)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        passed = False
        try:
            result = yield
            passed = not item.stash.get(_FAILED, False)
            return result
        finally:
            going = self._going.get(item)
            if going is not None:
                self._leave(item, going, passed)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed and item.nodeid in self._planned:
            item.stash[_FAILED] = True
        mask_report(report, self.session.secrets)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The parts of a test have reports that nobody made from an item."""
        mask_report(report, self.session.secrets)

    @pytest.hookimpl(tryfirst=True)
    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> list[str] | None:
        return compare_masked(self._config, op, left, right, self.session.secrets)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        if isinstance(warning_message.message, Warning):
            mask_warning(warning_message.message, self.session.secrets)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Ends a wider run after its last test: here, and not in a teardown, reruns are over."""
        result = yield
        planned = self._planned.get(item.nodeid)
        if planned is not None:
            waiting = self._waiting[id(planned)]
            waiting.discard(item.nodeid)
            if not waiting and (live := self._shared.pop(id(planned), None)) is not None:
                self._end_shared(live, RunState.FINISHED)
        return result

    # The innermost wrapper: when the last fixtures are torn down, and before the summary.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            self._finish(session)

    def _finish(self, session: pytest.Session) -> None:
        """End the runs whose ends never came: -x, Ctrl-C."""
        for item, going in list(self._going.items()):
            try:
                self._leave(item, going, passed=False)
            except pytest.fail.Exception as failure:
                self.problems.append(str(failure))
        for live in self._shared.values():
            self._end_shared(live, RunState.FINISHED)
        self._shared.clear()
        self.session.close()
        observed.deactivate()
        if self.problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        workeroutput = getattr(self._config, "workeroutput", None)
        if workeroutput is not None:
            workeroutput[PROBLEMS_KEY] = self.problems

    def _enter(self, item: pytest.Item, planned: PlannedRun) -> None:
        live = self._shared.get(id(planned))
        if live is None:
            live = self.session.begin(planned, item.nodeid)
            if live.is_shared:
                self._shared[id(planned)] = live
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self.session.entered(live))
            except TimestampsError:
                if not live.is_shared:
                    # Nobody else would: a test that can't begin has no end either.
                    self.session.end(live, RunState.INTERRUPTED)
                raise
            step = None
            if live.is_shared:
                step = live.recorder.begin_step(item.nodeid)
                live.run.enter_test(StepHandle(live.recorder, step))
            self._going[item] = _Going(live, stack.pop_all(), step)
        item.stash[RUN] = live.run

    def _leave(self, item: pytest.Item, going: _Going, passed: bool) -> None:
        """End what `_enter` began; a failure is the test's, in its teardown."""
        del self._going[item]
        del item.stash[RUN]
        live = going.live
        complaint: str | None = None
        try:
            with going.stack:
                complaint = self.session.breach(live)
                if going.step is not None:
                    live.run.enter_test(None)
                    live.recorder.end_step(going.step, success=passed and complaint is None)
            if not live.is_shared:
                self.session.end(live)
        except TimestampsError as error:
            complaint = str(error)
        # Out here, where the report has no chain of our own exceptions, which say the same.
        if complaint is not None:
            pytest.fail(complaint, pytrace=False)

    def _end_shared(self, live: LiveRun, state: RunState) -> None:
        try:
            self.session.end(live, state)
        except TokenRunError as error:
            # No test is left to fail.
            self.problems.append(f"run {live.run.run_id}: {error}")
