"""CSV: one table of everything that has a time or tokens, one row each."""

import csv
import io
from collections.abc import Iterator, Sequence

from pytest_timestamps.analysis.certainty import (
    MEANINGS,
    UNKNOWN,
    Callers,
    Marks,
    function_marks,
    mark_modules,
)
from pytest_timestamps.analysis.modules import ModuleTiming
from pytest_timestamps.analysis.timings import Timing
from pytest_timestamps.report.left_out import session_callers
from pytest_timestamps.report.model import SessionReport, ShardOverhead
from pytest_timestamps.report.run_figures import RunFigures, read_run

__all__ = ["COLUMNS", "render_csv"]

COLUMNS = (
    "kind", "name", "scope", "outcome", "calls", "errors", "total_ns", "self_ns", "min_ns",
    "max_ns", "suspended_ns", "setup_ns", "call_ns", "teardown_ns", "input_tokens",
    "output_tokens", "cached_tokens", "cost_usd", "functions", "estimated", "untimed",
    "left_out", "calls_is", "total_is", "self_is",
)  # fmt: skip


def render_csv(report: SessionReport) -> bytes:
    """Rows of the kinds function, module, package, test, fixture, run and overhead.

    What has no value is empty; a module's or package's ``total_ns`` is its cumulative time.
    ``estimated`` and ``untimed`` count a function's calls that were not timed: its times hold an
    estimate for the former and nothing for the latter, and are empty where it has no others.
    ``left_out`` is 1 for a function that was left out at some time: it had these calls, errors and
    times at least. For a test or a fixture it is the number of functions that were left out in it.
    ``calls_is``, ``total_is`` and ``self_is`` say what is known of the figures of a function, a
    module or a package that aren't plainly measured, in the words of ``MEANINGS``.
    The overhead's rows are two: what was taken out of all times, with the ``calls`` that were
    recorded, and what was spent between tests.
    Names are written as they are, so that they can be joined with other tables.
    """
    stream = io.StringIO()
    table = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\r\n")
    table.writeheader()
    callers = session_callers(report)
    table.writerows(_function(timing, callers) for timing in report.functions)
    marks = mark_modules(report.functions, report.call_tree, report.modules, callers)
    table.writerows(_module(row, marks.get(row, Marks())) for row in report.modules)
    for test in report.tests:
        table.writerow(
            {
                "kind": "test",
                "name": test.nodeid,
                "outcome": test.outcome,
                "total_ns": test.phases.total_ns,
                "setup_ns": test.phases.setup_ns,
                "call_ns": test.phases.call_ns,
                "teardown_ns": test.phases.teardown_ns,
                "left_out": test.left_out or "",
            }
        )
    for fixture in report.fixtures:
        table.writerow(
            {
                "kind": "fixture",
                "name": f"{fixture.nodeid}::{fixture.name}" if fixture.nodeid else fixture.name,
                "scope": fixture.scope,
                "calls": fixture.setups,
                "total_ns": fixture.total_ns,
                "setup_ns": fixture.setup_ns,
                "teardown_ns": fixture.teardown_ns,
                "left_out": fixture.left_out or "",
            }
        )
    table.writerows(_run(read_run(run)) for run in report.runs)
    table.writerows(_overhead(report.overhead))
    return stream.getvalue().encode("utf-8", "backslashreplace")


def _function(timing: Timing, callers: Callers) -> dict[str, object]:
    figures: dict[str, object] = {"kind": "function", **timing._asdict()}
    del figures["open"]
    if timing.timed <= 0 < timing.calls:
        del figures["min_ns"], figures["max_ns"]
    if 0 < timing.untimed == timing.calls:
        del figures["total_ns"], figures["self_ns"]
    if timing.name in callers.left_out:
        figures["left_out"] = 1
    return figures | _known(function_marks(timing, callers))


def _module(timing: ModuleTiming, marks: Marks) -> dict[str, object]:
    figures: dict[str, object] = timing._asdict()
    figures["total_ns"] = figures.pop("cumulative_ns")
    for name, mark in (("total_ns", marks.total), ("self_ns", marks.self)):
        if mark == UNKNOWN:
            del figures[name]
    return figures | _known(marks)


def _known(marks: Marks) -> dict[str, object]:
    """What marked figures are; what is plainly measured needs no word."""
    return {f"{name}_is": MEANINGS[mark] for name, mark in marks._asdict().items() if mark}


def _overhead(shards: Sequence[ShardOverhead]) -> Iterator[dict[str, object]]:
    if shards:
        calls = sum(shard.spans for shard in shards)
        taken_ns = sum(shard.total_ns for shard in shards)
        between_ns = sum(shard.freezing_ns for shard in shards)
        yield {"kind": "overhead", "name": "taken out", "calls": calls, "total_ns": taken_ns}
        yield {"kind": "overhead", "name": "between tests", "total_ns": between_ns}


def _run(run: RunFigures) -> dict[str, object]:
    return {
        "kind": "run",
        "name": run.run_id,
        "scope": run.framework,
        "outcome": run.trust,
        "calls": run.calls,
        "total_ns": None if run.duration_s is None else round(run.duration_s * 1_000_000_000),
        "input_tokens": run.input_tokens,
        "output_tokens": run.output_tokens,
        "cached_tokens": run.cached_tokens,
        "cost_usd": run.cost_usd,
    }
