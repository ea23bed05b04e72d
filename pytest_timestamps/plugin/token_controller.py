"""Token runs in the process that users look at: settings, xdist's workers, the table."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_timestamps.plugin.token_collection import INPUT_KEY, RUNS_PLUGIN

if TYPE_CHECKING:
    from pytest_timestamps.plugin.token_exchange import RunExchange
    from pytest_timestamps.plugin.token_minting import Mint
    from pytest_timestamps.plugin.token_runs import RunsPlugin
    from pytest_timestamps.tokens.pricing import ModelPrice

__all__ = ["TokenReportPlugin", "TokenWorkersPlugin"]


class TokenReportPlugin:
    """At session end: the table of runs, and the runs of the JSON report."""

    def __init__(self, config: pytest.Config, mint: Mint | None) -> None:
        self._config = config
        self.mint = mint
        self.exchange: RunExchange | None = None
        self.problems: list[str] = []

    # Inside of everyone's wrappers but that of the runs, which has ended them by then; and when
    # xdist's workers are gone.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            self._finish(session)

    def _finish(self, session: pytest.Session) -> None:
        if self.mint is not None:
            self.problems += [
                f"a minted key is left: {error}; remove it with "
                "'pytest-timestamps runs --remove-leftover-keys'"
                for error in self.mint.close()
            ]
            self.mint = None
        if self.exchange is not None:
            self._mark_interrupted()
        if self.problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_timestamps_runs(self) -> list[Mapping[str, object]]:
        """The runs of this session, as their files have them, with the place of the file."""
        paths = list(self._paths())
        if not paths:
            return []
        from pytest_timestamps.plugin.token_table import report_entries

        return report_entries(paths, self._prices())

    # Below the report of the times, which is registered before it or after it.
    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        paths = list(self._paths())
        problems = [*self.problems, *self._own_problems()]
        if not paths and not problems:
            return
        from pytest_timestamps.plugin.token_table import run_table

        width = _width_of(terminalreporter)
        lines = run_table(paths, self._config.rootpath, self._prices(), width)
        if lines:
            terminalreporter.write_sep("=", "token runs")
            for line in lines:
                terminalreporter.write_line(line)
        for problem in problems:
            terminalreporter.write_line(f"token runs: {problem}", red=True)

    def pytest_unconfigure(self) -> None:
        if self.mint is not None:
            # The session never began, or its end was cut short.
            self.mint.close()
        if self.exchange is not None:
            self.exchange.remove()

    def _prices(self) -> Mapping[str, ModelPrice]:
        from pytest_timestamps.errors import ArgumentError
        from pytest_timestamps.tokens.own_prices import price_overrides

        try:
            return price_overrides(self._config.rootpath)
        except ArgumentError:
            return {}  # refused when the runs were planned, where it was told

    def _runs_plugin(self) -> RunsPlugin | None:
        plugin: RunsPlugin | None = self._config.pluginmanager.get_plugin(RUNS_PLUGIN)
        return plugin

    def _paths(self) -> Iterable[Path]:
        if self.exchange is not None:
            return self.exchange.runs()
        plugin = self._runs_plugin()
        return [] if plugin is None else plugin.session.paths

    def _own_problems(self) -> list[str]:
        plugin = self._runs_plugin()
        return [] if plugin is None else plugin.problems

    def _mark_interrupted(self) -> None:
        """All workers are gone: a run that still says running was cut off."""
        from pytest_timestamps.errors import TokenRunError
        from pytest_timestamps.tokens.ledger import Ledger
        from pytest_timestamps.tokens.record import RunRecord, RunState

        def interrupted(run: RunRecord) -> RunRecord:
            is_cut = run.state is RunState.RUNNING
            return dataclasses.replace(run, state=RunState.INTERRUPTED) if is_cut else run

        for path in self._paths():
            try:
                Ledger(path.parents[2]).update(path, interrupted)
            except TokenRunError as error:
                self.problems.append(str(error))


def _width_of(terminalreporter: pytest.TerminalReporter) -> int | None:
    """The columns to keep to; None for a file or a pipe, where a run is one line."""
    # Some terminals break the line after their last column.
    return int(terminalreporter._tw.fullwidth) - 1 if terminalreporter.isatty else None


class TokenWorkersPlugin:
    """xdist's controller: tells workers what they need and listens to what they found."""

    def __init__(self, config: pytest.Config, report: TokenReportPlugin) -> None:
        from pytest_timestamps.plugin.token_exchange import RunExchange

        self._config = config
        self._report = report
        self._exchange = report.exchange = RunExchange.new()
        self._groups: dict[str, str] = {}

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        worker = node.workerinput["workerid"]
        message = {
            "worker": worker,
            "workers": int(node.workerinput.get("workercount", 1)),
            "dist": str(self._config.getoption("dist", "no")),
            "exchange": str(self._exchange.root),
        }
        if self._report.mint is not None:
            message["mint"] = self._report.mint.address_for(worker)
        node.workerinput[INPUT_KEY] = message

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any) -> None:
        """No test has been given to any worker yet: the moment to stop."""
        found = self._exchange.read_preflight(node.workerinput["workerid"])
        if found is not None:
            if found.complaint is not None:
                raise pytest.UsageError(found.complaint)
            self._groups |= found.groups

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        if config.getoption("dist", "no") != "loadgroup":
            return None
        from pytest_timestamps.plugin.token_scheduling import grouping_scheduler

        return grouping_scheduler(config, log, self._groups)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        from pytest_timestamps.plugin.token_runs import PROBLEMS_KEY

        # A worker that crashed has no workeroutput.
        self._report.problems += getattr(node, "workeroutput", {}).get(PROBLEMS_KEY, [])
        if self._report.mint is not None:
            self._report.problems += map(
                str, self._report.mint.worker_died(node.workerinput["workerid"])
            )
