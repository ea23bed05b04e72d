"""What of a session report is compared: figures by function, by test and by token run."""

import math
from collections.abc import Iterable, Mapping, Sequence

from pytest_timestamps.analysis.certainty import Callers
from pytest_timestamps.analysis.changes import Bounds, Doubts, Figure, Figures, Subject
from pytest_timestamps.analysis.doubt import doubt_names, doubt_top
from pytest_timestamps.analysis.gates import Metric
from pytest_timestamps.analysis.timings import Timing, time_names
from pytest_timestamps.report.left_out import session_callers
from pytest_timestamps.report.model import CaseResult, SessionReport
from pytest_timestamps.report.run_figures import RunFigures, read_run, run_label

__all__ = ["comparable_figures", "growth_doubts"]


_NOTHING_KNOWN: Mapping[Metric, Figure] = dict.fromkeys(("calls", "errors", "self", "total"), None)


def comparable_figures(report: SessionReport) -> Figures:
    """Calls, errors, self and total time of functions and tests; requests, tokens, cost of runs.

    Where calls were only counted, which of them varies from session to session: times of these
    functions are at least what is told, the self time of what called them, which holds such times,
    at most. So are all figures of functions that were left out, and the counts of tests in which
    they were.
    A test's self time is what its phases took outside of decorated functions.
    Runs have new ids in each session, so they are matched by framework and test, and summed
    where several share them.
    """
    found: dict[Subject, Mapping[Metric, Figure]] = {}
    callers = session_callers(report)
    for name in report.left_out:
        found[Subject("function", name)] = _NOTHING_KNOWN
    for timing in report.functions:
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


def _function(timing: Timing, callers: Callers) -> Mapping[Metric, Figure]:
    was_left_out = timing.name in callers.left_out
    lacks = was_left_out or bool(timing.untimed)
    return {
        "calls": _figure(timing.calls, lacks=was_left_out),
        "errors": _figure(timing.errors, lacks=was_left_out),
        "self": _figure(timing.self_ns, lacks=lacks, holds=timing.name in callers.of_counted),
        "total": _figure(timing.total_ns, lacks=lacks),
    }


def _test(test: CaseResult) -> dict[Metric, Figure]:
    top = [row for row in test.call_tree if row.parent < 0 and not row.detached]
    outside_ns = max(0, test.phases.total_ns - sum(row.total_ns for row in top))
    lacks = test.left_out > 0
    return {
        "calls": _figure(sum(timing.calls for timing in test.functions), lacks=lacks),
        "errors": _figure(sum(timing.errors for timing in test.functions), lacks=lacks),
        "self": _figure(outside_ns, holds=lacks or any(row.untimed for row in top)),
        "total": test.phases.total_ns,
    }


def _figure(told: float, *, lacks: bool = False, holds: bool = False) -> Figure:
    """What is told, which may lack a part, or hold a part of another's, or both."""
    if not (lacks or holds):
        return told
    return Bounds(0 if holds else told, None if lacks else told)


def _sum(figures: Sequence[float | None]) -> float | None:
    """The sum, unknown if any part of it is."""
    known = [figure for figure in figures if figure is not None]
    return sum(known) if len(known) == len(figures) else None
