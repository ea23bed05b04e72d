"""``--timestamps-instrument``: record packages that nobody has decorated."""

# Annotations unread: pytest 8.2 has no public name for its terminal reporter.
from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.instrumenting import Instrumentation, instrument
from pytest_timestamps.instrumenting.selection import Selection
from pytest_timestamps.plugin.settings import Settings

if TYPE_CHECKING:
    from pytest_timestamps.plugin.child_processes import ChildProcesses

__all__ = ["InstrumentPlugin", "check_patterns"]

_OUTPUT_KEY = "timestamps_instrument"


def check_patterns(given: Sequence[str]) -> tuple[str, ...]:
    """The patterns one by one; ArgumentError for what can't be used."""
    try:
        Selection(*given)
    except ArgumentError as error:
        raise ArgumentError(f"--timestamps-instrument: {error}") from None
    return tuple(pattern.strip() for text in given for pattern in text.split(","))


class InstrumentPlugin:
    """Instruments where tests run, and says at the end what came of it where people look."""

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        runs_tests: bool,
        children: ChildProcesses | None = None,
    ) -> None:
        patterns = settings.instrumented
        self._selection = Selection(*patterns)
        self._modules: set[str] = set()
        self._functions = 0
        self._children = children
        self._follows_children = settings.subprocesses
        self._processes = 0
        self._active: Instrumentation | None = (
            instrument(*patterns, budget=settings.budget) if runs_tests else None
        )
        if children is not None and self._active is not None:
            children.follow_forks(self._active)
        self._workeroutput: dict[str, Any] | None = getattr(config, "workeroutput", None)

    def modules(self) -> Collection[str]:
        """The modules that were met in this process so far."""
        met = self._active.modules if self._active is not None else set()
        return met | self._children.modules if self._children is not None else met

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        if self._active is not None:
            self._take(sorted(self._active.modules), self._active.functions, 0)
        if self._children is not None:
            self._take(*self._children.told)
        if self._workeroutput is not None:
            told = [sorted(self._modules), self._functions, self._processes]
            self._workeroutput[_OUTPUT_KEY] = told

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        # A worker that crashed has no workeroutput.
        found = getattr(node, "workeroutput", {}).get(_OUTPUT_KEY)
        if found is not None:
            self._take(*found)

    def _take(self, modules: Sequence[str], functions: int, processes: int) -> None:
        self._modules.update(modules)
        self._functions = max(self._functions, functions)
        self._processes += processes

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line(
            f"instrumented: {_count(self._functions, 'function')} "
            f"of {_count(len(self._modules), 'module')}{self._said_of_children()}"
        )
        for pattern in self._selection.unmatched(self._modules):
            terminalreporter.write_line(
                f"timestamps: --timestamps-instrument: no module was imported that "
                f"{pattern!r} stands for",
                red=True,
            )

    def _said_of_children(self) -> str:
        if not self._follows_children:
            return ""
        return f", and in {_count(self._processes, 'child process', 'child processes')}"

    def pytest_unconfigure(self) -> None:
        if self._children is not None:
            self._children.close()
            self._children = None
        if self._active is not None:
            self._active.remove()
            self._active = None


def _count(number: int, noun: str, nouns: str = "") -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {nouns or f'{noun}s'}"
