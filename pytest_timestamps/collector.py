"""The collector: gathers spans, and answers questions about them at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_timestamps.analysis.timings import (
    check_limit,
    check_sort,
    rank_hotspots,
    time_names,
)
from pytest_timestamps.errors import ArgumentTypeError
from pytest_timestamps.recording import Capture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_timestamps.analysis.timings import SortOrder, Timing
    from pytest_timestamps.analysis.tree import CallNode
    from pytest_timestamps.recording.results import TimelineSpan

__all__ = ["Collector"]


class Collector(Capture):
    """Gathers the spans of decorated code that runs while it is entered.

    ``with Collector("import") as collector:`` and then ask; every question may also be asked
    while it is running, and then answers for the time so far.
    All times are integer nanoseconds with recording's own cost taken out.

    Raises ArgumentTypeError for a name that isn't a string.
    """

    def __init__(
        self,
        name: str,
        *,
        timeline: bool = False,
        timeline_limit: int = 1_000_000,
        without: Sequence[Capture] = (),
    ) -> None:
        if not isinstance(name, str):
            raise ArgumentTypeError(
                f"a collector's name must be a string, got {name!r} ({type(name).__name__}); "
                'try Collector("import")'
            )
        super().__init__(name, timeline=timeline, timeline_limit=timeline_limit, without=without)

    @property
    def total_ns(self) -> int:
        """Time between start and stop, so far while running."""
        return self.recording().total_ns

    @property
    def span_count(self) -> int:
        """Spans gathered, finished and open."""
        return sum(row.calls for row in self.recording().paths)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The functions that were left out while it ran, for a budget; there was more of them."""
        return self.recording().left_out

    def timings(self) -> dict[str, Timing]:
        """The figures of each name, by name, in the order in which names were first seen.

        The collector of a test has what a function calls in the order of names instead.
        """
        return time_names(self.recording().paths)

    def hotspots(self, limit: int | None = 10) -> tuple[Timing, ...]:
        """The names with the most self time, the hottest first; None gives all."""
        check_limit(limit)
        return rank_hotspots(self.timings().values(), limit)

    def call_tree(self) -> CallNode:
        """The call tree: a root with the collector's name, then names as they called."""
        from pytest_timestamps.analysis.tree import build_call_tree

        recording = self.recording()
        return build_call_tree(recording.name, recording.total_ns, recording.paths)

    def timeline(self, limit: int | None = 100) -> tuple[TimelineSpan, ...]:
        """The first ``limit`` spans by start (None for all); times count from the start.

        Empty unless the collector was made with ``timeline=True``.
        """
        check_limit(limit)
        spans = sorted(self.recording().timeline, key=lambda span: (span.start_ns, -span.end_ns))
        return tuple(spans[:limit])

    def report(self, sort: SortOrder = "self", limit: int | None = None) -> str:
        """Totals, a table with a row for each function, and the hotspots, as text.

        ``sort`` is ``self``, ``total`` or ``calls``; ``limit`` bounds the table's rows.
        """
        from pytest_timestamps.analysis.summary import summarize

        check_sort(sort)
        check_limit(limit)
        return summarize(self.recording(), sort=sort, limit=limit)
