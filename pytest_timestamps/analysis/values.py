"""A recording as plain values, to be written as JSON, and back."""

from collections.abc import Sequence
from typing import Any

from pytest_timestamps.recording.results import Overhead, PathStats, Recording, TimelineSpan

__all__ = ["recording_from_values", "recording_to_values"]


def recording_to_values(recording: Recording) -> tuple[Any, ...]:
    """Numbers, text, and sequences of these."""
    overhead = recording.overhead
    return (
        recording.name,
        recording.wall_ns,
        recording.total_ns,
        (overhead.span_ns, overhead.spread_ns, overhead.total_ns),
        recording.paths,
        recording.timeline,
        recording.dropped_paths,
        recording.dropped_spans,
    )


def recording_from_values(values: Sequence[Any]) -> Recording:
    """The recording that these values, which may have been JSON meanwhile, stand for."""
    name, wall_ns, total_ns, overhead, paths, timeline, dropped_paths, dropped_spans = values
    return Recording(
        name=name,
        wall_ns=wall_ns,
        total_ns=total_ns,
        overhead=Overhead(*overhead),
        paths=tuple(map(PathStats._make, paths)),
        timeline=tuple(map(TimelineSpan._make, timeline)),
        dropped_paths=dropped_paths,
        dropped_spans=dropped_spans,
    )
