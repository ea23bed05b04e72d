"""A recording as plain values, to be written as JSON or kept for long, and back."""

from collections.abc import Sequence
from typing import Any

from pytest_timestamps.recording.results import Overhead, Recording, TimelineSpan
from pytest_timestamps.recording.rows import PathColumns, columns_of, path_rows

__all__ = ["recording_from_values", "recording_to_values"]


def recording_to_values(recording: Recording) -> tuple[Any, ...]:
    """Numbers, text, and plain tuples of these: each table is one of its columns.

    The cyclic garbage collector lets go of such tuples in its first passes over them. Named tuples
    it walks in every full pass for as long as they live, and the more of them there are, the more
    such passes it makes.
    """
    overhead = recording.overhead
    return (
        recording.name,
        recording.wall_ns,
        recording.total_ns,
        (overhead.span_ns, overhead.spread_ns, overhead.total_ns, overhead.freezing_ns),
        tuple(columns_of(recording.paths)),
        tuple(zip(*recording.timeline, strict=True)),
        recording.dropped_paths,
        recording.dropped_spans,
        recording.left_out,
    )


def recording_from_values(values: Sequence[Any]) -> Recording:
    """The recording that these values, which may have been JSON meanwhile, stand for."""
    name, wall_ns, total_ns, overhead, paths, timeline, *dropped, left_out = values
    dropped_paths, dropped_spans = dropped
    return Recording(
        name=name,
        wall_ns=wall_ns,
        total_ns=total_ns,
        overhead=Overhead(*overhead),
        paths=path_rows(PathColumns._make(map(tuple, paths))),
        timeline=tuple(map(TimelineSpan._make, zip(*timeline, strict=True))),
        dropped_paths=dropped_paths,
        dropped_spans=dropped_spans,
        left_out=tuple(left_out),
    )
