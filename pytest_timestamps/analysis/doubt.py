"""How far off an estimated time may be, from what is known of the calls that were timed.

Of ``n`` timed calls the mean, the shortest and the longest are known. The variance of numbers
between those two is at most (longest - mean) * (mean - shortest), the Bhatia-Davis inequality, so
the sum of ``m`` calls that were not timed has a standard error of at most the square root of that
times ``m``² / ``n`` + ``m``: that of the mean, and that of the calls themselves.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pytest_timestamps.analysis.timings import Timing
from pytest_timestamps.recording.results import PathStats

__all__ = ["Doubt", "doubt_names", "doubt_top"]

ERRORS = 3
"""So many standard errors are doubted."""


class Doubt(NamedTuple):
    """By how much a function's times may be off, in nanoseconds; infinite where nobody knows."""

    self_ns: float = 0.0
    total_ns: float = 0.0


def doubt_names(paths: Sequence[PathStats], timings: Mapping[str, Timing]) -> dict[str, Doubt]:
    """The doubt about each name that has any; a caller's self time has that of what it calls.

    ``timings`` are the session's, in which more calls were timed than in a part of it.
    """
    found: dict[str, Doubt] = {}
    for row in paths:
        if not row.estimated:
            continue
        error_ns = _error_ns(row, timings.get(row.name))
        known = found.get(row.name, Doubt())
        found[row.name] = Doubt(known.self_ns + error_ns, known.total_ns + error_ns)
        if row.parent >= 0 and not row.detached:
            caller = paths[row.parent].name
            known = found.get(caller, Doubt())
            found[caller] = known._replace(self_ns=known.self_ns + error_ns)
    return found


def doubt_top(paths: Sequence[PathStats], timings: Mapping[str, Timing]) -> float:
    """The doubt about what was going on outside of the table's functions, in nanoseconds."""
    top = (row for row in paths if row.estimated and row.parent < 0 and not row.detached)
    return sum(_error_ns(row, timings.get(row.name)) for row in top)


def _error_ns(row: PathStats, timing: Timing | None) -> float:
    if timing is None or timing.timed <= 0:
        return math.inf
    mean_ns = timing.total_ns / (timing.calls - timing.untimed)
    # What recording cost is taken out of the whole, which may leave less than the shortest.
    mean_ns = min(max(mean_ns, timing.min_ns), timing.max_ns)
    variance = (timing.max_ns - mean_ns) * (mean_ns - timing.min_ns)
    return ERRORS * math.sqrt(variance * (row.estimated**2 / timing.timed + row.estimated))
