"""What of a session report is compared: figures by function, by test and by token run."""

from collections.abc import Sequence

from pytest_timestamps.analysis.comparison import Figures, Subject
from pytest_timestamps.analysis.gates import Metric
from pytest_timestamps.report.model import CaseResult, SessionReport
from pytest_timestamps.report.run_figures import RunFigures, read_run, run_label

__all__ = ["comparable_figures"]


def comparable_figures(report: SessionReport) -> Figures:
    """Calls, errors, self and total time of functions and tests; requests, tokens, cost of runs.

    A test's self time is what its phases took outside of decorated functions.
    Runs have new ids in each session, so they are matched by framework and test, and summed
    where several share them.
    """
    found: dict[Subject, dict[Metric, float | None]] = {}
    for timing in report.functions:
        found[Subject("function", timing.name)] = {
            "calls": timing.calls,
            "errors": timing.errors,
            "self": timing.self_ns,
            "total": timing.total_ns,
        }
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


def _test(test: CaseResult) -> dict[Metric, float | None]:
    in_functions_ns = sum(
        row.total_ns for row in test.call_tree if row.parent < 0 and not row.detached
    )
    return {
        "calls": sum(timing.calls for timing in test.functions),
        "errors": sum(timing.errors for timing in test.functions),
        "self": max(0, test.phases.total_ns - in_functions_ns),
        "total": test.phases.total_ns,
    }


def _sum(figures: Sequence[float | None]) -> float | None:
    """The sum, unknown if any part of it is."""
    known = [figure for figure in figures if figure is not None]
    return sum(known) if len(known) == len(figures) else None
