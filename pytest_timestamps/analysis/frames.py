"""The call tree as the frames of a flame graph: only self times, which always add up.

A path's total can't be a frame's width: work that runs beside its parent is no part of the
parent's total, and recursion's is counted once. The widths here are sums of self times.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from pytest_timestamps.analysis.certainty import NO_CALLERS, UNKNOWN, Callers, mark_self
from pytest_timestamps.analysis.timings import Timing
from pytest_timestamps.recording.results import PathStats

__all__ = ["Edge", "Frame", "iterate_edges", "iterate_stacks", "make_frames", "name_frames"]

MAX_DEPTH = 500
DEEPER = "(deeper)"


class Frame(NamedTuple):
    """One frame; ``parent`` is the number of an earlier one, -1 at the bottom."""

    parent: int
    name: str
    self_ns: int


class Edge(NamedTuple):
    """A frame opens or closes, ``at_ns`` after the first one opened."""

    opens: bool
    name: str
    at_ns: int


def name_frames(timings: Iterable[Timing], callers: Callers = NO_CALLERS) -> dict[str, str]:
    """What the frames of a function are called that was not always timed: its mark and its name.

    The mark is that of its self time, which is what a frame has of its own, on all of its frames,
    so that they are still one function's.
    """
    marks = {timing.name: mark_self(timing, callers) for timing in timings}
    return {name: f"{mark}{name}" for name, mark in marks.items() if mark not in ("", UNKNOWN)}


def make_frames(
    table: Sequence[PathStats], names: Mapping[str, str] = MappingProxyType({})
) -> list[Frame]:
    """The table's paths as frames; a section (a test's phase) is a frame at the bottom.

    ``names`` says what functions are called whose frames haven't got their names.
    """
    frames: list[Frame] = []
    sections: dict[str, int] = {}
    number: list[int] = []
    for row in table:
        parent = -1
        if row.parent >= 0:
            parent = number[row.parent]
        elif row.section:
            if row.section not in sections:
                sections[row.section] = len(frames)
                frames.append(Frame(-1, row.section, 0))
            parent = sections[row.section]
        number.append(len(frames))
        frames.append(Frame(parent, names.get(row.name, row.name), max(0, row.self_ns)))
    return frames


def iterate_stacks(
    frames: Sequence[Frame], max_depth: int = MAX_DEPTH
) -> Iterator[tuple[list[str], int]]:
    """Each frame's names from the bottom, with its self time; those without any are left out.

    What lies more than ``max_depth`` deep is counted in one frame there: the text of all stacks
    grows with the square of their depth.
    """
    depths: list[int] = []
    deeper: dict[int, int] = {}
    for at, frame in enumerate(frames):
        depths.append(depths[frame.parent] + 1 if frame.parent >= 0 else 1)
        if depths[at] > max_depth:
            cut = deeper.get(frame.parent, frame.parent)
            deeper[at] = cut
    spare = dict.fromkeys(deeper.values(), 0)
    for at, cut in deeper.items():
        spare[cut] += frames[at].self_ns
    for at, frame in enumerate(frames):
        if at in deeper:
            continue
        stack = _names_to(frames, at)
        if frame.self_ns:
            yield stack, frame.self_ns
        if spare.get(at):
            yield [*stack, DEEPER], spare[at]


def _names_to(frames: Sequence[Frame], at: int) -> list[str]:
    names: list[str] = []
    while at >= 0:
        names.append(frames[at].name)
        at = frames[at].parent
    names.reverse()
    return names


def iterate_edges(frames: Sequence[Frame]) -> Iterator[Edge]:
    """All frames laid side by side, depth first: as many lines for a deep tree as for a flat one.

    A frame's own time comes before its children's; frames of no width at all are left out.
    """
    widths = [frame.self_ns for frame in frames]
    children: list[list[int]] = [[] for _ in frames]
    bottom: list[int] = []
    for at in range(len(frames) - 1, -1, -1):
        parent = frames[at].parent
        if parent >= 0:
            widths[parent] += widths[at]
        if widths[at]:
            # Appended from the last to the first: taken off the end they come in order.
            (children[parent] if parent >= 0 else bottom).append(at)
    at_ns = 0
    stack = list(bottom)
    while stack:
        at = stack.pop()
        if at < 0:
            yield Edge(False, frames[~at].name, at_ns)
            continue
        yield Edge(True, frames[at].name, at_ns)
        at_ns += frames[at].self_ns
        stack.append(~at)
        stack.extend(children[at])
