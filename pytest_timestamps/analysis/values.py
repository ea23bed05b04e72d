"""A recording as plain values, to be written as JSON or kept for long, and back."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any, TypeVar

from pytest_timestamps.recording.results import Overhead, PathStats, Recording, TimelineSpan

__all__ = ["pack_recording", "recording_from_values", "recording_to_values", "unpack_recording"]

_Row = TypeVar("_Row", PathStats, TimelineSpan)


def recording_to_values(recording: Recording) -> tuple[Any, ...]:
    """Numbers, text, and sequences of these."""
    overhead = recording.overhead
    return (
        recording.name,
        recording.wall_ns,
        recording.total_ns,
        (overhead.span_ns, overhead.spread_ns, overhead.total_ns, overhead.freezing_ns),
        recording.paths,
        recording.timeline,
        recording.dropped_paths,
        recording.dropped_spans,
    )


def recording_from_values(values: Sequence[Any]) -> Recording:
    """The recording that these values, which may have been JSON meanwhile, stand for."""
    *before, paths, timeline, dropped_paths, dropped_spans = values
    rows = map(PathStats._make, paths), map(TimelineSpan._make, timeline)
    return _recording(before, *rows, dropped_paths, dropped_spans)


def pack_recording(recording: Recording) -> tuple[Any, ...]:
    """Numbers, text, and plain tuples of these: each table is one, its rows end to end.

    The cyclic garbage collector lets go of such tuples in its first passes over them. Named tuples
    it walks in every full pass for as long as they live, and the more of them there are, the more
    such passes it makes.
    """
    *before, paths, timeline, dropped_paths, dropped_spans = recording_to_values(recording)
    flat = (tuple(chain.from_iterable(table)) for table in (paths, timeline))
    return (*before, *flat, dropped_paths, dropped_spans)


def unpack_recording(values: Sequence[Any]) -> Recording:
    """The recording that was packed."""
    *before, paths, timeline, dropped_paths, dropped_spans = values
    rows = _rows(PathStats, paths), _rows(TimelineSpan, timeline)
    return _recording(before, *rows, dropped_paths, dropped_spans)


def _recording(
    before: Sequence[Any],
    paths: Iterable[PathStats],
    timeline: Iterable[TimelineSpan],
    dropped_paths: int,
    dropped_spans: int,
) -> Recording:
    name, wall_ns, total_ns, overhead = before
    return Recording(
        name=name,
        wall_ns=wall_ns,
        total_ns=total_ns,
        overhead=Overhead(*overhead),
        paths=tuple(paths),
        timeline=tuple(timeline),
        dropped_paths=dropped_paths,
        dropped_spans=dropped_spans,
    )


def _rows(kind: type[_Row], flat: Sequence[Any]) -> Iterator[_Row]:
    cells = [iter(flat)] * len(kind._fields)
    return map(tuple.__new__, repeat(kind), zip(*cells, strict=True))
