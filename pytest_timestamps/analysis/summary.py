"""A collector's figures as plain text."""

from collections.abc import Sequence

from pytest_timestamps.analysis.text import count, draw_table, format_ns, format_share, printable
from pytest_timestamps.analysis.timings import (
    SortOrder,
    Timing,
    rank_hotspots,
    rank_timings,
    time_names,
)
from pytest_timestamps.recording.results import Recording

__all__ = ["summarize"]

HOTSPOTS = 5


def summarize(recording: Recording, *, sort: SortOrder = "self", limit: int | None = None) -> str:
    """Totals, a row for each function (at most ``limit``), and the hotspots.

    Percentages are of the recording's total time.
    Needs nothing but the standard library, so that it serves a light install too.
    """
    timings = time_names(recording.paths).values()
    ranked = rank_timings(timings, sort=sort, limit=limit)
    lines = [_headline(recording, list(timings))]
    if not timings:
        lines.append("No decorated function was called while it ran.")
        return "\n".join(lines) + "\n"
    lines += ["", *_function_table(ranked, recording.total_ns)]
    if len(ranked) < len(timings):
        lines.append(f"... and {len(timings) - len(ranked)} more")
    lines += ["", "hotspots (self time)"]
    hottest = rank_hotspots(timings, HOTSPOTS)
    lines += [
        f"  {place}. {printable(timing.name)}: {format_ns(timing.self_ns)}"
        f" ({format_share(timing.self_ns, recording.total_ns)})"
        for place, timing in enumerate(hottest, 1)
    ]
    lines += _remarks(recording, list(timings))
    return "\n".join(lines) + "\n"


def _headline(recording: Recording, timings: Sequence[Timing]) -> str:
    spans = sum(timing.calls for timing in timings)
    return (
        f"{printable(recording.name)}: {format_ns(recording.total_ns)}, "
        f"{count(spans, 'span')} of {count(len(timings), 'function')} traced "
        f"(wall time {format_ns(recording.wall_ns)}, "
        f"recording's own {format_ns(recording.overhead.total_ns)} taken out)"
    )


def _function_table(timings: Sequence[Timing], whole_ns: int) -> list[str]:
    headers = ["function", "calls", "total", "% total", "self", "% self", "average", "errors"]
    rows = [
        [
            printable(timing.name),
            f"{timing.calls:,}",
            format_ns(timing.total_ns),
            format_share(timing.total_ns, whole_ns),
            format_ns(timing.self_ns),
            format_share(timing.self_ns, whole_ns),
            format_ns(timing.avg_ns),
            f"{timing.errors:,}" if timing.errors else "",
        ]
        for timing in timings
    ]
    return draw_table(headers, rows)


def _remarks(recording: Recording, timings: Sequence[Timing]) -> list[str]:
    """What a reader must know about the figures above, one line each; often nothing."""
    remarks: list[str] = []
    still_open = sum(timing.open for timing in timings)
    if still_open:
        remarks.append(f"{count(still_open, 'span')} still open, counted with the time so far")
    suspended_ns = sum(timing.suspended_ns for timing in timings)
    if suspended_ns:
        remarks.append(f"suspended for {format_ns(suspended_ns)}, in neither self nor total")
    if recording.dropped_paths:
        remarks.append(
            f"{count(recording.dropped_paths, 'span')} past the cap on call paths, "
            "folded into their parents"
        )
    if recording.dropped_spans:
        remarks.append(f"{count(recording.dropped_spans, 'span')} left out of the full timeline")
    return ["", *remarks] if remarks else []
