"""The opt-in timeline: every span with its start and end, compact and capped."""

from __future__ import annotations

import sys
import threading
from array import array

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError

from .results import TimelineSpan

__all__ = ["TIMELINE_LIMIT", "Timeline", "checked_limit"]

TIMELINE_LIMIT = 1_000_000
"""Spans that a timeline keeps unless it is given another limit."""


def checked_limit(limit: object) -> int:
    """The limit of a timeline.

    Raises `ArgumentTypeError` for what isn't an integer, `ArgumentError` for less than 1.
    """
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise ArgumentTypeError(f"timeline_limit must be an integer, got {type(limit).__name__}")
    if limit < 1:
        raise ArgumentError(f"timeline_limit must be 1 or more, got {limit}")
    return limit


class Timeline:
    """Spans at 28 bytes each: two 64-bit times and three 32-bit references to shared text.

    Past ``limit`` spans are only counted, in ``dropped``.
    """

    def __init__(self, limit: int = TIMELINE_LIMIT) -> None:
        self.limit = limit
        self.dropped = 0
        self._times = array("q")
        self._refs = array("i")
        self._texts: dict[tuple[str, str] | str, int] = {}
        self._lock = threading.Lock()

    def add(self, name: str, section: str, start_ns: int, end_ns: int) -> None:
        """Keep one span of the running thread and task."""
        with self._lock:
            if len(self._times) >= 2 * self.limit:
                self.dropped += 1
                return
            # all that can fail, as near the recursion limit, comes before anything is kept
            texts = ((name, section), threading.current_thread().name, _task_name())
            refs = array("i", [self._texts.setdefault(text, len(self._texts)) for text in texts])
            self._refs += refs
            self._times.append(start_ns)
            self._times.append(end_ns)

    def spans(self) -> list[TimelineSpan]:
        """All kept spans in order of start, enclosing spans first."""
        texts = list(self._texts)
        times, refs = self._times, self._refs
        # of two spans that last equally long, the one that ended later encloses the other
        order = sorted(
            range(len(times) // 2),
            key=lambda i: (
                times[2 * i],
                -times[2 * i + 1],
                -i if times[2 * i] < times[2 * i + 1] else i,
            ),
        )
        spans = []
        for i in order:
            label, thread, task = (texts[ref] for ref in refs[3 * i : 3 * i + 3])
            assert isinstance(label, tuple)
            assert isinstance(thread, str)
            assert isinstance(task, str)
            spans.append(
                TimelineSpan(label[0], label[1], times[2 * i], times[2 * i + 1], thread, task)
            )
        return spans


def _task_name() -> str:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return ""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return ""
    return "" if task is None else task.get_name()
