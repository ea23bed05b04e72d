"""The opt-in timeline: every span, in order, capped."""

import asyncio
import threading
from itertools import count

import pytest

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError
from pytest_timestamps.recording import Capture, timestamp, timestamp_block
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.results import TimelineSpan

from .support import FakeClock, tree


def times(capture: Capture) -> list[tuple[str, int, int]]:
    """Name, start and end of each span."""
    return [(s.name, s.start_ns, s.end_ns) for s in capture.recording().timeline]


def test_spans_in_order_of_their_start(clock: FakeClock) -> None:
    """Times count from the capture's start; who encloses comes first."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(2)

    @timestamp(name="trunk")
    def trunk() -> None:
        leaf()
        clock.work(3)
        leaf()

    clock.work(1_000)
    with Capture(timeline=True) as capture:
        clock.work(10)
        trunk()
        with timestamp_block("block"):
            leaf()
    assert times(capture) == [
        ("trunk", 10, 17),
        ("leaf", 10, 12),
        ("leaf", 15, 17),
        ("block", 17, 19),
        ("leaf", 17, 19),
    ]
    assert tree(capture) == {
        "trunk": (1, 7, 3),
        "trunk/leaf": (2, 4, 4),
        "block": (1, 2, 0),
        "block/leaf": (1, 2, 2),
    }


def test_recursion_keeps_each_call(clock: FakeClock) -> None:
    """In the timeline recursion isn't folded: each call has its start and end."""

    @timestamp(name="dive")
    def dive(n: int) -> None:
        clock.work(1)
        if n:
            dive(n - 1)
        clock.work(1)

    with Capture(timeline=True) as capture:
        dive(2)
    assert times(capture) == [("dive", 0, 6), ("dive", 1, 5), ("dive", 2, 4)]


def test_threads_and_tasks_are_named(clock: FakeClock) -> None:
    """Each span says in which thread and task it ran."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1)

    async def main() -> None:
        leaf()

    async def named() -> None:
        await asyncio.create_task(main(), name="my task")

    with Capture(timeline=True) as capture:
        capture.section("call")
        leaf()
        thread = threading.Thread(target=leaf, name="my thread")
        thread.start()
        thread.join()
        asyncio.run(named())
    here = threading.current_thread().name
    assert capture.recording().timeline == (
        TimelineSpan("leaf", "call", 0, 1, here, ""),
        TimelineSpan("leaf", "call", 1, 2, "my thread", ""),
        TimelineSpan("leaf", "call", 2, 3, here, "my task"),
    )


def test_a_suspended_span_lasts_from_start_to_end(clock: FakeClock) -> None:
    """A coroutine's span in the timeline holds its suspensions."""

    @timestamp(name="work")
    async def work() -> None:
        clock.work(1)
        await asyncio.sleep(0)
        clock.work(2)

    async def other() -> None:
        clock.work(100)

    async def main() -> None:
        await asyncio.gather(work(), other())

    with Capture(timeline=True) as capture:
        asyncio.run(main())
    assert times(capture) == [("work", 0, 103)]
    assert tree(capture) == {"work": (1, 3, 3)}


def test_the_cap(clock: FakeClock) -> None:
    """Past its limit spans are counted and not kept; the sums know them all."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1)

    with Capture(timeline=True, timeline_limit=3) as capture:
        for _ in range(10):
            leaf()
    assert times(capture) == [("leaf", 0, 1), ("leaf", 1, 2), ("leaf", 2, 3)]
    assert capture.recording().dropped_spans == 7
    assert tree(capture) == {"leaf": (10, 10, 10)}


def test_an_inner_timeline(clock: FakeClock) -> None:
    """Only who asks for a timeline has one, and only of its own time."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1)

    with Capture() as outer:
        leaf()
        with Capture(timeline=True) as inner:
            leaf()
        leaf()
    assert times(inner) == [("leaf", 0, 1)]
    assert times(outer) == []
    assert tree(outer) == {"leaf": (3, 3, 3)}


def test_an_outer_timeline_sees_what_the_inner_capture_sees(clock: FakeClock) -> None:
    """Spans below a capture without a timeline are in the outer one's."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1)

    with Capture(timeline=True) as outer:
        leaf()
        with Capture():
            leaf()
        leaf()
    assert times(outer) == [("leaf", 0, 1), ("leaf", 1, 2), ("leaf", 2, 3)]


def test_a_span_takes_at_most_32_bytes(clock: FakeClock) -> None:
    """A span's times and references take 28 bytes; names are kept once."""
    from pytest_timestamps.recording.timeline import Timeline

    timeline = Timeline()
    for n in range(10_000):
        timeline.add("name", "call", n, n + 1)
    kept = len(timeline._times) * timeline._times.itemsize
    kept += len(timeline._refs) * timeline._refs.itemsize
    assert kept <= 32 * 10_000


@pytest.mark.parametrize(
    ("limit", "error", "message"),
    [
        (0, ArgumentError, "timeline_limit must be 1 or more, got 0"),
        ("3", ArgumentTypeError, "timeline_limit must be an integer, got str"),
        (True, ArgumentTypeError, "timeline_limit must be an integer, got bool"),
    ],
)
def test_bad_limits(limit: object, error: type[Exception], message: str) -> None:
    """A limit that can't be one is refused, with what was seen."""
    with pytest.raises(error) as caught:
        Capture(timeline_limit=limit)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_a_bad_name() -> None:
    """A capture is named by a string."""
    with pytest.raises(ArgumentTypeError) as caught:
        Capture(3)  # type: ignore[arg-type]
    assert str(caught.value) == "a collector's name must be a string, got int: 3"


def test_a_timeline_survives_the_recursion_limit(clock: FakeClock) -> None:
    """A span is kept as a whole or not at all, however little room is left on the stack."""

    @timestamp(name="endless")
    def endless() -> None:
        endless()

    ENGINE.use_clock(count().__next__)
    with Capture(timeline=True) as capture:
        for _ in range(3):
            with pytest.raises(RecursionError):
                endless()
    spans = capture.recording().timeline
    assert len(spans) > 100
    assert {span.name for span in spans} == {"endless"}
    # near the limit there is no room for recording either, which it says
    ENGINE.faults = 0
