"""The last lines of the terminal's report: totals, what recording cost, what to know."""

from collections.abc import Sequence

from pytest_timestamps.analysis.text import count, format_ns
from pytest_timestamps.analysis.thinning import NAMED, thinning_lines
from pytest_timestamps.report.budget import budget_lines, overhead_share
from pytest_timestamps.report.left_out import where_left_out
from pytest_timestamps.report.model import SessionReport, ShardOverhead

__all__ = ["closing_lines"]

_NOTHING_DECORATED = (
    "No decorated function was called: put @timestamp (from pytest_timestamps import timestamp)",
    "on the functions that matter, then run pytest --timestamps again.",
)


def closing_lines(
    report: SessionReport, *, brief: bool = False, detailed: bool = False
) -> list[str]:
    """The session's totals and the overhead in one line, then what else a reader must know.

    ``detailed`` names all functions that were not always timed, not only the first few.
    """
    lines: list[str] = []
    if report.tests and not report.functions and not brief:
        lines += _NOTHING_DECORATED
    lines.append(f"{_totals(report)}; {_overhead(report)}")
    lines += budget_lines(report)
    lines += thinning_lines(
        report.functions, None if detailed else NAMED, report.left_out, where_left_out(report)
    )
    still_open = sum(timing.open for timing in report.functions)
    if still_open:
        verb = "was" if still_open == 1 else "were"
        lines.append(
            f"{count(still_open, 'span')} {verb} still open at a test's end, "
            "counted with the time so far"
        )
    if report.dropped_paths:
        lines.append(
            f"{count(report.dropped_paths, 'span')} past the cap on call paths, "
            "folded into their parents"
        )
    if report.dropped_spans:
        lines.append(
            f"{count(report.dropped_spans, 'span')} left out of the timeline, which is full"
        )
    return lines


def _totals(report: SessionReport) -> str:
    spans = sum(timing.calls for timing in report.functions)
    session = report.session
    least = "≥" if report.left_out else ""
    return (
        f"{count(len(report.tests), 'test')}, {least}{count(spans, 'span')} of "
        f"{count(len(report.functions), 'function')}, {format_ns(session.work_ns)} in tests and "
        f"fixtures ({format_ns(session.duration_ns)} in all)"
    )


def _overhead(report: SessionReport) -> str:
    """What recording cost, with what that depends on: the Python version, the core's build
    and the stack depth.

    Shards that are alike in the first two share a part, which has the least and the most of them.
    """
    taken_ns = sum(overhead.total_ns for overhead in report.overhead)
    builds: dict[str, list[ShardOverhead]] = {}
    for overhead in report.overhead:
        if overhead.spans:
            builds.setdefault(_build(overhead), []).append(overhead)
    parts = [
        f"{_range([format_ns(ns) for ns in sorted(one.span_ns for one in alike)])} ± "
        f"{format_ns(max(one.spread_ns for one in alike))} a span, Python {build}, "
        f"{_range([str(depth) for depth in sorted(one.stack_depth for one in alike)])} frames deep"
        for build, alike in sorted(builds.items())
    ]
    detail = f" ({'; '.join(parts)})" if parts else ""
    freezing_ns = sum(overhead.freezing_ns for overhead in report.overhead)
    between = f" and {format_ns(freezing_ns)} between tests" if freezing_ns else ""
    return f"overhead {format_ns(taken_ns)} taken out{between}, {overhead_share(report)}{detail}"


def _build(overhead: ShardOverhead) -> str:
    """The Python version, and the core where it was compiled: plain Python needs no word."""
    return (
        f"{overhead.python_version}, compiled core"
        if overhead.compiled
        else overhead.python_version
    )


def _range(ordered: Sequence[str]) -> str:
    """``590 ns``, or ``560 ns to 590 ns`` where they differ."""
    first, last = ordered[0], ordered[-1]
    return first if first == last else f"{first} to {last}"
