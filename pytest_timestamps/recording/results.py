"""What recording hands over: frozen, additive, plain.

A recording's call tree is a flat table, parents before children, one row a call path.
Flat, so that a tree of any depth is merged, written and read without recursion.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Overhead", "PathStats", "Recording", "TimelineSpan"]


class PathStats(NamedTuple):
    """One call path's figures: all spans that share the names from root to here.

    ``parent`` is the row number of the parent path, -1 at the top; it is always smaller than
    the row's own number.
    ``section`` tells recordings in one collector apart (a test's ``setup``, ``call``,
    ``teardown``); it is set on top rows and empty elsewhere.
    ``detached`` marks work that the parent started and that ran beside it (a task, a thread,
    an executor job): its time is no part of the parent's.
    ``calls`` counts finished and ``open`` spans; all times are integers in nanoseconds, less
    the recording's own cost.
    ``estimated`` counts those of the calls that were counted and not timed, and have their time
    estimated from the calls of the same path or function that were: it is contained in
    ``total_ns`` and ``self_ns``. ``untimed`` counts those that were counted only: their time lies
    with their callers. ``min_ns`` and ``max_ns`` are of the calls that were timed, 0 if none was.
    """

    parent: int
    name: str
    section: str
    detached: bool
    calls: int
    errors: int
    open: int
    total_ns: int
    self_ns: int
    min_ns: int
    max_ns: int
    suspended_ns: int
    estimated: int = 0
    untimed: int = 0


class TimelineSpan(NamedTuple):
    """One span of a timeline; times are nanoseconds since the collector's start."""

    name: str
    section: str
    start_ns: int
    end_ns: int
    thread: str
    task: str


@dataclass(frozen=True, slots=True)
class Overhead:
    """What recording itself cost, as calibrated: already taken out of every other figure.

    ``span_ns`` is the cost of one span, ``spread_ns`` the calibration's spread (half the
    interquartile range), ``total_ns`` the cost of all spans of this recording.
    ``freezing_ns`` was spent on adding them up after the collector's stop: no figure had it.
    """

    span_ns: int
    spread_ns: int
    total_ns: int
    freezing_ns: int = 0


@dataclass(frozen=True, slots=True)
class Recording:
    """All that one collector gathered, frozen.

    ``wall_ns`` is the raw time between start and stop, ``total_ns`` the same less the
    recording's own cost.
    ``left_out`` names the functions that were left out while it ran, or for a part of that time:
    their calls and times are at least those of their rows, which may not be there.
    ``dropped_paths`` counts spans whose call path was past the cap on distinct paths (they
    are folded into their parents), ``dropped_spans`` those that the timeline's cap left out.
    """

    name: str
    wall_ns: int
    total_ns: int
    overhead: Overhead
    paths: Sequence[PathStats]
    timeline: tuple[TimelineSpan, ...] = ()
    dropped_paths: int = 0
    dropped_spans: int = 0
    left_out: tuple[str, ...] = ()
