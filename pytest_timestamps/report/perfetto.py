"""Chrome's trace event format, which Perfetto and chrome://tracing open: the timeline.

Without a recorded timeline there is nothing to draw, and the file says so.
"""

import json
from collections.abc import Sequence

from pytest_timestamps.report.model import SessionReport, SessionSpan

__all__ = ["render_perfetto"]

NO_TIMELINE = "this report has no timeline; run pytest with --timestamps-timeline"
# Rows of the viewer are threads of one process; each lane becomes one.
PROCESS = 1


def render_perfetto(report: SessionReport) -> bytes:
    """Complete events in microseconds (the format's unit) since the session's start.

    A row is one thread or one task of one test, and spans that overlap without one holding the
    other go to rows of their own: the format can only nest them.
    """
    rows: dict[tuple[str, str, str, int], int] = {}
    events = [
        _event(span, rows.setdefault(lane, len(rows) + 1))
        for span, lane in zip(report.timeline, _lanes(report.timeline), strict=True)
    ]
    names = [_name_event("process_name", 0, "pytest")]
    names += [_name_event("thread_name", row, _label(lane)) for lane, row in rows.items()]
    other = {
        "session": report.session.id,
        "plugin": report.session.plugin_version,
        "spans": len(report.timeline),
        "spans_left_out": report.dropped_spans,
    }
    if not report.timeline:
        other["note"] = NO_TIMELINE
    document = {
        "traceEvents": [*names, *events],
        "displayTimeUnit": "ns",
        "otherData": other,
    }
    return f"{json.dumps(document, separators=(',', ':'))}\n".encode("ascii")


def _lanes(spans: Sequence[SessionSpan]) -> list[tuple[str, str, str, int]]:
    """Each span's row; the spans come in order of their start, the longer first."""
    # For each thread or task: one list a row, of the ends of the spans open in it.
    open_ends: dict[tuple[str, str, str], list[list[int]]] = {}
    lanes: list[tuple[str, str, str, int]] = []
    for span in spans:
        key = ("", span.thread, "") if not span.task else (span.owner, span.thread, span.task)
        lanes.append((*key, _free_row(span, open_ends.setdefault(key, []))))
    return lanes


def _free_row(span: SessionSpan, rows: list[list[int]]) -> int:
    """The first row in which the span overlaps nothing or lies within what is open there."""
    for number, ends in enumerate(rows):
        while ends and ends[-1] <= span.start_ns:
            ends.pop()
        if not ends or span.end_ns <= ends[-1]:
            ends.append(span.end_ns)
            return number
    rows.append([span.end_ns])
    return len(rows) - 1


def _label(lane: tuple[str, str, str, int]) -> str:
    owner, thread, task, number = lane
    name = " / ".join(part for part in (thread or "thread", task, owner) if part)
    return f"{name} (overlapping {number})" if number else name


def _event(span: SessionSpan, row: int) -> dict[str, object]:
    return {
        "ph": "X",
        "name": span.name,
        "cat": span.phase or "span",
        "pid": PROCESS,
        "tid": row,
        "ts": span.start_ns / 1_000,
        "dur": (span.end_ns - span.start_ns) / 1_000,
        "args": {"test": span.owner},
    }


def _name_event(kind: str, row: int, name: str) -> dict[str, object]:
    return {"ph": "M", "name": kind, "pid": PROCESS, "tid": row, "ts": 0, "args": {"name": name}}
