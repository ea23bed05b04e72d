"""A collector's figures as plain text."""

from collections.abc import Sequence

from pytest_timestamps.analysis.certainty import (
    UNKNOWN,
    TimeTexts,
    find_callers,
    mark_total,
    share_text,
    time_texts,
)
from pytest_timestamps.analysis.text import count, draw_table, format_ns, format_share, printable
from pytest_timestamps.analysis.thinning import thinning_lines
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
    timings = list(time_names(recording.paths).values())
    callers = find_callers(
        timings,
        recording.paths,
        recording.left_out,
        {timing.name for timing in timings} if recording.left_out else (),
    )
    ranked = rank_timings(timings, sort=sort, limit=limit)
    lines = [_headline(recording, timings)]
    if not timings:
        lines.append("No decorated function was called while it ran.")
        return "\n".join(lines) + "\n"
    texts = [time_texts(timing, callers) for timing in ranked]
    lines += ["", *_function_table(ranked, texts, recording.total_ns)]
    if len(ranked) < len(timings):
        lines.append(f"... and {len(timings) - len(ranked)} more")
    lines += ["", "hotspots (self time)"]
    hottest = rank_hotspots(
        (one for one in timings if mark_total(one, callers) != UNKNOWN), HOTSPOTS
    )
    lines += [
        f"  {place}. {printable(timing.name)}: {time_texts(timing, callers).self}"
        f" ({format_share(timing.self_ns, recording.total_ns)})"
        for place, timing in enumerate(hottest, 1)
    ]
    lines += _remarks(recording, timings)
    return "\n".join(lines) + "\n"


def _headline(recording: Recording, timings: Sequence[Timing]) -> str:
    spans = sum(timing.calls for timing in timings)
    return (
        f"{printable(recording.name)}: {format_ns(recording.total_ns)}, "
        f"{count(spans, 'span')} of {count(len(timings), 'function')} traced "
        f"(wall time {format_ns(recording.wall_ns)}, "
        f"recording's own {format_ns(recording.overhead.total_ns)} taken out)"
    )


def _function_table(
    timings: Sequence[Timing], texts: Sequence[TimeTexts], whole_ns: int
) -> list[str]:
    headers = ["function", "calls", "total", "% total", "self", "% self", "average", "errors"]
    rows = [
        [
            printable(timing.name),
            text.calls,
            text.total,
            share_text(timing.total_ns, text.total, whole_ns),
            text.self,
            share_text(timing.self_ns, text.self, whole_ns),
            text.average,
            text.errors if timing.errors else "",
        ]
        for timing, text in zip(timings, texts, strict=True)
    ]
    return draw_table(headers, rows)


def _remarks(recording: Recording, timings: Sequence[Timing]) -> list[str]:
    """What a reader must know about the figures above, one line each; often nothing."""
    remarks = thinning_lines(timings, left_out=recording.left_out)
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
