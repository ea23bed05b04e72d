"""At session end: build the report, let others change it, write it, show it."""

# Annotations unread: pytest 8.2 has no public name for its terminal reporter.
from __future__ import annotations

import gc
import os
import sys
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from pytest_timestamps._version import __version__
from pytest_timestamps.plugin.outcomes import OutcomeListener
from pytest_timestamps.plugin.settings import Settings
from pytest_timestamps.recording.compiled import COMPILED
from pytest_timestamps.report.build import SessionFacts, build_report
from pytest_timestamps.report.machine import describe_machine
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.records import Record
from pytest_timestamps.report.step_summary import SUMMARISED
from pytest_timestamps.report.terminal import Section, TerminalStyle, render_sections
from pytest_timestamps.report.writing import write_reports

if TYPE_CHECKING:
    from pytest_timestamps.report.comparing import ReportComparison

__all__ = ["ReportingPlugin"]

# Hooks may end in any of pytest's own exceptions, which are no Exceptions.
_HOOK_FAILURES = (Exception, pytest.fail.Exception, pytest.skip.Exception)


@dataclass(slots=True)
class _Ending:
    """What came of the session, to be told on the terminal.

    The report itself isn't kept: pytest makes full passes of the cyclic collector as it ends, and
    each would walk all of its rows.
    """

    problems: list[str]
    written: list[str] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    compared: ReportComparison | None = None


class ReportingPlugin:
    """Registered in the process that reports: the only one without xdist, else the controller.

    Nothing here fails a session: a report that can't be made is a line on the terminal.
    """

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        outcomes: OutcomeListener,
        records: Callable[[], Iterable[Record]],
        processes: Callable[[], int],
        clock: Callable[[], int] = time.perf_counter_ns,
        unix_clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._settings = settings
        self._outcomes = outcomes
        self._records = records
        self._processes = processes
        self._clock = clock
        self._start_ns = clock()
        self._start_s = unix_clock()
        self._ending: _Ending | None = None

    # The outermost wrapper: where there is no terminal to have asked for the summary, the
    # reports are written all the same, and after everything else.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            # A command line that pytest refused has run nothing that could be reported.
            if self._ending is None and exitstatus != pytest.ExitCode.USAGE_ERROR:
                self._report_unasked(exitstatus)
            self._apply_gates(session)

    def _report_unasked(self, exitstatus: int) -> None:
        """Where no summary was called for: no terminal, or a status that pytest has none for.

        Such a status comes from ``pytest.exit("...", returncode=7)`` and from internal errors.
        """
        manager = self._config.pluginmanager
        terminalreporter = manager.get_plugin("terminalreporter")
        if terminalreporter is not None and not self._config.getoption("no_summary", False):
            self.pytest_terminal_summary(terminalreporter, exitstatus)
            return
        ending = self._finish(exitstatus)
        for line in [*ending.problems, *_failed_gates(ending)]:
            print(f"pytest-timestamps: {line}", file=sys.stderr)

    def _apply_gates(self, session: pytest.Session) -> None:
        """A gate that was exceeded fails a session in which nothing else did."""
        compared = self._ending.compared if self._ending is not None else None
        if compared is not None and compared.failed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int
    ) -> None:
        if exitstatus == pytest.ExitCode.USAGE_ERROR:
            return
        ending = self._finish(exitstatus, self._style(_width(terminalreporter)))
        _show(terminalreporter, ending.sections, _failed_gates(ending))
        if self._settings.verbosity >= -1:
            for line in ending.written:
                terminalreporter.write_line(line)
        for problem in ending.problems:
            terminalreporter.write_line(f"timestamps: {problem}", red=True)

    def _style(self, width: int) -> TerminalStyle:
        settings = self._settings
        return TerminalStyle(
            width=width,
            top=settings.top,
            sort=settings.sort,
            min_time_ns=settings.min_time_ns,
            per_test=settings.per_test,
            timeline=settings.timeline,
            verbosity=settings.verbosity,
            modules=settings.modules,
        )

    def _finish(self, exit_status: int, style: TerminalStyle | None = None) -> _Ending:
        """Build and write the reports, once, and draw what the terminal shows if there is one."""
        if self._ending is None:
            # Rows by the ten thousand and none of them garbage: each pass of the cyclic
            # collector would only walk all that the suite has left behind.
            collecting = gc.isenabled()
            gc.disable()
            try:
                self._ending = self._made(exit_status, style)
            finally:
                if collecting:
                    gc.enable()
        return self._ending

    def _made(self, exit_status: int, style: TerminalStyle | None) -> _Ending:
        problems: list[str] = []
        ending = _Ending(problems)
        report = self._changed(self._built(exit_status, problems), problems)
        report = self._judged(report, ending)
        written = write_reports(self._settings.targets, report, os.environ)
        if ending.compared is not None and self._wants_summary():
            from pytest_timestamps.plugin.gating import add_comparison_to_summary

            add_comparison_to_summary(ending.compared, os.environ, written)
        ending.written += written.lines
        ending.problems += written.problems
        if style is not None:
            ending.sections = _drawn(report, style, ending)
        return ending

    def _judged(self, report: SessionReport, ending: _Ending) -> SessionReport:
        """Compare, before the reports are written: they have the session's last exit status."""
        if self._settings.baseline is None:
            return report
        try:
            ending.compared = self._settings.baseline.judge(report)
        except Exception as error:
            # A hook may have put anything into the report.
            ending.problems.append(f"the comparison failed: {_said(error)}")
            return report
        session = report.session
        if ending.compared.failed and session.exit_status == pytest.ExitCode.OK:
            failed = replace(session, exit_status=int(pytest.ExitCode.TESTS_FAILED))
            return replace(report, session=failed)
        return report

    def _wants_summary(self) -> bool:
        return any(target.renderer.name == SUMMARISED for target in self._settings.targets)

    def _built(self, exit_status: int, problems: list[str]) -> SessionReport:
        session_id = str(uuid.uuid4())
        facts = SessionFacts(
            id=session_id,
            start_s=self._start_s,
            duration_ns=self._clock() - self._start_ns,
            exit_status=int(exit_status),
            pytest_version=pytest.__version__,
            plugin_version=__version__,
            machine=describe_machine(session_id),
            instrumented=self._settings.instrumented,
            budget=self._settings.budget,
            compiled=COMPILED,
            processes=self._processes(),
        )
        runs = self._runs(problems)
        return build_report(facts, self._outcomes.tallies, self._records(), runs)

    def _runs(self, problems: list[str]) -> list[Mapping[str, object]]:
        try:
            answers = self._config.hook.pytest_timestamps_runs(config=self._config)
            runs = [run for answer in answers for run in answer or ()]
        except _HOOK_FAILURES as error:
            problems.append(f"pytest_timestamps_runs raised {_said(error)}; no runs are reported")
            return []
        for run in runs:
            if not isinstance(run, Mapping):
                problems.append(
                    f"pytest_timestamps_runs returned a {type(run).__name__}, expected mappings; "
                    "no runs are reported"
                )
                return []
        return runs

    def _changed(self, report: SessionReport, problems: list[str]) -> SessionReport:
        try:
            changed = self._config.hook.pytest_timestamps_report(config=self._config, report=report)
        except _HOOK_FAILURES as error:
            problems.append(
                f"pytest_timestamps_report raised {_said(error)}; the report is shown unchanged"
            )
            return report
        if changed is None:
            return report
        if not isinstance(changed, SessionReport):
            problems.append(
                f"pytest_timestamps_report returned {type(changed).__name__}, expected a "
                "SessionReport or None; the report is shown unchanged"
            )
            return report
        return changed

    @pytest.hookimpl(trylast=True)
    def pytest_timestamps_report(self, report: SessionReport) -> SessionReport:
        """What wrappers get from ``yield`` when nobody else has returned a report."""
        return report


def _drawn(report: SessionReport, style: TerminalStyle, ending: _Ending) -> list[Section]:
    try:
        sections = render_sections(report, style)
    except Exception as error:
        # A hook may have put anything into the report.
        sections = []
        ending.problems.append(f"the report can't be shown: {_said(error)}")
    if ending.compared is not None:
        from pytest_timestamps.report.comparison_text import render_comparison

        sections.append(Section("comparison", render_comparison(ending.compared)))
    return sections


def _failed_gates(ending: _Ending) -> list[str]:
    """The verdicts on gates that were exceeded: without a terminal's summary nothing else tells."""
    if ending.compared is None:
        return []
    from pytest_timestamps.report.comparison_text import FAILED, verdicts

    return [line for line in verdicts(ending.compared.comparison) if line.startswith(FAILED)]


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error) or 'no message'}"


def _width(terminalreporter: pytest.TerminalReporter) -> int:
    """The terminal's width; one column is left free, as pytest itself does."""
    return max(40, terminalreporter._tw.fullwidth - 1)


def _show(
    terminalreporter: pytest.TerminalReporter, sections: list[Section], alarms: list[str]
) -> None:
    for section in sections:
        terminalreporter.write_sep("=", section.title)
        for line in section.lines:
            terminalreporter.write_line(line, red=line in alarms)
