"""The clocks of token runs, out of reach of libraries that fake the time in tests."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Clock", "unfaked_time_ns"]


def unfaked_time_ns(
    # Default arguments, because freezegun replaces module attributes and can't see these.
    time_ns: Callable[[], int] = time.time_ns,
) -> int:
    """Nanoseconds since the Unix epoch by the real clock, whatever a test pretends.

    A run's window is compared with the provider's books, which know only real time.
    """
    # time-machine replaces the C functions themselves, and leaves this door to the real ones.
    travel = sys.modules.get("time_machine")
    hatch = getattr(travel, "escape_hatch", None)
    if hatch is not None and hatch.is_travelling():
        return int(hatch.time.time_ns())
    return time_ns()


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks that a run reads: *wall_ns* for its window, *elapsed_ns* for durations."""

    wall_ns: Callable[[], int] = unfaked_time_ns
    elapsed_ns: Callable[[], int] = time.perf_counter_ns
