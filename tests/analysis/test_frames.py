"""Frames of a flame graph: self times alone, and the same sum whichever way they are written."""

from pytest_timestamps.analysis.frames import (
    Frame,
    iterate_edges,
    iterate_stacks,
    make_frames,
    name_frames,
)
from pytest_timestamps.analysis.timings import time_names
from tests.samples import path

ROWS = (
    path("a", section="call", total_ns=10, self_ns=4),
    path("b", parent=0, total_ns=6),
    path("c", parent=1, total_ns=90, self_ns=90, detached=True),
    path("d", section="setup", total_ns=0),
    path("e", total_ns=5),
)


def test_sections_are_frames_at_the_bottom() -> None:
    """A test's phases stand below the functions called in them."""
    assert make_frames(ROWS) == [
        Frame(-1, "call", 0),
        Frame(0, "a", 4),
        Frame(1, "b", 6),
        Frame(2, "c", 90),
        Frame(-1, "setup", 0),
        Frame(4, "d", 0),
        Frame(-1, "e", 5),
    ]


def test_edges_open_and_close_around_own_time() -> None:
    """Depth first, own time before the children's, frames of no width left out."""
    edges = [(edge.opens, edge.name, edge.at_ns) for edge in iterate_edges(make_frames(ROWS))]
    assert edges == [
        (True, "call", 0), (True, "a", 0), (True, "b", 4), (True, "c", 10), (False, "c", 100),
        (False, "b", 100), (False, "a", 100), (False, "call", 100), (True, "e", 100),
        (False, "e", 105),
    ]  # fmt: skip


def test_deep_stacks_are_cut_and_nothing_is_lost() -> None:
    """What lies deeper is one frame with the sum of its self times."""
    frames = make_frames([path(f"f{at}", parent=at - 1, total_ns=at + 1) for at in range(6)])
    assert list(iterate_stacks(frames, max_depth=2)) == [
        (["f0"], 1),
        (["f0", "f1"], 2),
        (["f0", "f1", "(deeper)"], 18),
    ]


def test_frames_are_named_by_what_is_known_of_their_time() -> None:
    """A mark before the name; a time that nobody knows has no frame, and needs no name."""
    timings = time_names(
        [
            path("plain"),
            path("guessed", calls=9, estimated=8),
            path("partly", calls=9, untimed=8),
            path("counted", calls=9, total_ns=0, untimed=9),
        ]
    )
    assert name_frames(timings.values()) == {"guessed": "~guessed", "partly": "≥partly"}
