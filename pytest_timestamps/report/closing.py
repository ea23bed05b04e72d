"""The last lines of the terminal's report: totals, what recording cost, what to know."""

from pytest_timestamps.analysis.text import count, format_ns
from pytest_timestamps.report.model import SessionReport

__all__ = ["closing_lines"]

_NOTHING_DECORATED = (
    "No decorated function was called: put @timestamp (from pytest_timestamps import timestamp)",
    "on the functions that matter, then run pytest --timestamps again.",
)


def closing_lines(report: SessionReport, *, brief: bool = False) -> list[str]:
    """The session's totals and the overhead in one line, then a line for each reservation."""
    lines: list[str] = []
    if report.tests and not report.functions and not brief:
        lines += _NOTHING_DECORATED
    lines.append(f"{_totals(report)}; {_overhead(report)}")
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
    return (
        f"{count(len(report.tests), 'test')}, {count(spans, 'span')} of "
        f"{count(len(report.functions), 'function')}, {format_ns(session.work_ns)} in tests and "
        f"fixtures ({format_ns(session.duration_ns)} in all)"
    )


def _overhead(report: SessionReport) -> str:
    """What recording cost, with what that depends on: the Python version and the stack depth."""
    taken_ns = sum(overhead.total_ns for overhead in report.overhead)
    parts = [
        f"{format_ns(overhead.span_ns)} ± {format_ns(overhead.spread_ns)} a span,"
        f" Python {overhead.python_version}, {overhead.stack_depth} frames deep"
        for overhead in report.overhead
        if overhead.spans
    ]
    detail = f" ({'; '.join(dict.fromkeys(parts))})" if parts else ""
    return f"overhead {format_ns(taken_ns)} taken out{detail}"
