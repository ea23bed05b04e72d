"""What of a session report is compared: figures by function, by test and by token run."""

import math
from collections.abc import Iterable, Mapping, Sequence

from pytest_timestamps.analysis.certainty import Callers
from pytest_timestamps.analysis.comparison import Doubts, Figures, Subject
from pytest_timestamps.analysis.doubt import doubt_names, doubt_top
from pytest_timestamps.analysis.gates import Metric
from pytest_timestamps.analysis.timings import Timing, time_names
from pytest_timestamps.report.left_out import session_callers
from pytest_timestamps.report.model import CaseResult, SessionReport
from pytest_timestamps.report.run_figures import RunFigures, read_run, run_label

__all__ = ["comparable_figures", "growth_doubts"]


_NOTHING_KNOWN: Mapping[Metric, float | None] = dict.fromkeys(
    ("calls", "errors", "self", "total"), None
)


def comparable_figures(report: SessionReport) -> Figures:
    """Calls, errors, self and total time of functions and tests; requests, tokens, cost of runs.

    Where calls were only counted, which of them varies from session to session: no time of these
    functions is comparable, nor the self time of what called them, which holds such times.
    Of functions that were left out nothing is, of tests in which they were no count either.
    A test's self time is what its phases took outside of decorated functions.
    Runs have new ids in each session, so they are matched by framework and test, and summed
    where several share them.
    """
    found: dict[Subject, Mapping[Metric, float | None]] = {}
    callers = session_callers(report)
    for name in report.left_out:
        found[Subject("function", name)] = _NOTHING_KNOWN
    for timing in report.functions:
        if timing.name not in callers.left_out:
            found[Subject("function", timing.name)] = _function(timing, callers)
    for test in report.tests:
        found[Subject("test", test.nodeid)] = _test(test)
    runs: dict[str, list[RunFigures]] = {}
    for run in map(read_run, report.runs):
        runs.setdefault(run_label(run), []).append(run)
    for label, same in runs.items():
        found[Subject("run", label)] = {
            "calls": _sum([run.calls for run in same]),
            "tokens": _sum([run.tokens for run in same]),
            "cost": _sum([run.cost_usd for run in same]),
        }
    return found


def growth_doubts(bases: Sequence[SessionReport], heads: Sequence[SessionReport]) -> Doubts:
    """By how much each time may seem to have grown because it is estimated, in nanoseconds.

    Of several reports of a side the most doubtful one counts.
    """
    before, after = (_largest(map(_doubts, side)) for side in (bases, heads))
    return {
        key: math.hypot(before.get(key, 0.0), after.get(key, 0.0))
        for key in before.keys() | after.keys()
    }


def _largest(doubts: Iterable[Doubts]) -> Doubts:
    found: dict[tuple[Subject, Metric], float] = {}
    for one in doubts:
        for key, doubt in one.items():
            found[key] = max(doubt, found.get(key, 0.0))
    return found


def _doubts(report: SessionReport) -> Doubts:
    if not any(timing.estimated for timing in report.functions):
        return {}
    timings = time_names(report.call_tree)
    found: dict[tuple[Subject, Metric], float] = {}
    for name, doubt in doubt_names(report.call_tree, timings).items():
        found[Subject("function", name), "self"] = doubt.self_ns
        found[Subject("function", name), "total"] = doubt.total_ns
    for test in report.tests:
        found[Subject("test", test.nodeid), "self"] = doubt_top(test.call_tree, timings)
    return found


def _function(timing: Timing, callers: Callers) -> Mapping[Metric, float | None]:
    knows_self = not timing.untimed and timing.name not in callers.of_counted
    return {
        "calls": timing.calls,
        "errors": timing.errors,
        "self": timing.self_ns if knows_self else None,
        "total": None if timing.untimed else timing.total_ns,
    }


def _test(test: CaseResult) -> dict[Metric, float | None]:
    top = [row for row in test.call_tree if row.parent < 0 and not row.detached]
    outside_ns = max(0, test.phases.total_ns - sum(row.total_ns for row in top))
    return {
        "calls": None if test.left_out else sum(timing.calls for timing in test.functions),
        "errors": None if test.left_out else sum(timing.errors for timing in test.functions),
        "self": None if test.left_out or any(row.untimed for row in top) else outside_ns,
        "total": test.phases.total_ns,
    }


def _sum(figures: Sequence[float | None]) -> float | None:
    """The sum, unknown if any part of it is."""
    known = [figure for figure in figures if figure is not None]
    return sum(known) if len(known) == len(figures) else None
