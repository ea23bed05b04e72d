"""Memory grows with distinct call paths, and even those are bounded."""

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator

import pytest

from pytest_timestamps.recording import Capture, scope, timestamp, timestamp_block
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.tree import Node

from .support import FakeClock, row, tree


def count_nodes() -> int:
    """How many call paths are alive."""
    gc.collect()
    return sum(isinstance(item, Node) for item in gc.get_objects())


def test_calls_allocate_no_nodes(clock: FakeClock) -> None:
    """The thousandth call of a path makes nothing that the first didn't."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1)

    with Capture():
        leaf()
        before = count_nodes()
        for _ in range(1_000):
            leaf()
        assert count_nodes() == before


def test_paths_are_capped(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans on paths past the cap count for their parents, and are counted as dropped."""
    monkeypatch.setattr(scope, "PATHS_LIMIT", 10)

    with Capture() as capture, timestamp_block("parent"):
        for n in range(30):
            with timestamp_block(f"block {n}"):
                clock.work(1)
    recording = capture.recording()
    assert len(recording.paths) == 10
    assert recording.dropped_paths == 21
    assert recording.paths[0].total_ns == 30
    assert sum(path.self_ns for path in recording.paths) == 30


def test_mutual_recursion_folds(clock: FakeClock) -> None:
    """Paths through mutually recursive functions don't multiply with the depth."""

    def make(name: str) -> Callable[[int], None]:
        @timestamp(name=name)
        def visit(depth: int) -> None:
            clock.work(1)
            if depth:
                for other in visitors:
                    other(depth - 1)

        return visit

    visitors = [make("a"), make("b"), make("c")]
    with Capture() as capture:
        visitors[0](7)
        paths = sum(scope.paths for scope in capture.scopes)
    assert paths <= 16
    assert sum(calls for calls, _, _ in tree(capture).values()) == (3**8 - 1) // 2
    assert sum(self_ns for _, _, self_ns in tree(capture).values()) == (3**8 - 1) // 2


def test_a_chain_of_threads_makes_no_chain_of_paths(clock: FakeClock) -> None:
    """Threads that start their like stay within two paths."""
    done = threading.Event()

    @timestamp(name="relay")
    def relay(left: int) -> None:
        clock.work(1)
        if left:
            thread = threading.Thread(target=relay, args=(left - 1,))
            thread.start()
            thread.join()
        else:
            done.set()

    with Capture() as capture:
        relay(20)
    assert done.is_set()
    assert sum(calls for calls, _, _ in tree(capture).values()) == 21
    assert len(tree(capture)) <= 2


def test_a_long_chain_of_tasks_is_bounded(clock: FakeClock) -> None:
    """A poller that restarts itself as a task a thousand times makes a handful of nodes."""
    finished = []

    @timestamp(name="poll")
    async def poll(left: int) -> None:
        clock.work(1)
        if left:
            tasks[:] = [asyncio.create_task(poll(left - 1))]
        else:
            finished.append(True)

    tasks: list[asyncio.Task[None]] = []

    async def main() -> None:
        tasks.append(asyncio.create_task(poll(999)))
        while not finished:
            await asyncio.sleep(0)

    before = count_nodes()
    with Capture() as capture:
        asyncio.run(main())
        assert count_nodes() - before <= 10
    assert sum(calls for calls, _, _ in tree(capture).values()) == 1_000


def test_many_inner_captures_leave_nothing(clock: FakeClock) -> None:
    """A session of many tests keeps the sums of each, not their trees."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1)

    @timestamp(name="trunk")
    def trunk() -> None:
        leaf()

    with Capture() as session:
        before = count_nodes()
        for _ in range(200):
            with Capture():
                trunk()
        assert count_nodes() - before <= 5
        assert len(ENGINE.scopes._scopes) == 1
    assert tree(session) == {"trunk": (200, 200, 0), "trunk/leaf": (200, 200, 200)}


def test_a_finished_capture_keeps_no_tree(clock: FakeClock) -> None:
    """What is left of a capture is its table of sums."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1)

    before = count_nodes()
    with Capture() as capture:
        leaf()
    assert count_nodes() == before
    assert row(capture, "leaf").calls == 1


def test_dropped_generators_leave_nothing(clock: FakeClock) -> None:
    """Suspended spans of generators that are gone don't pile up."""

    @timestamp(name="items")
    def items() -> Iterator[int]:
        clock.work(1)
        yield 1

    with Capture() as capture:
        for _ in range(500):
            next(items())
        assert len(ENGINE.lanes.paused) <= 10
    assert tree(capture) == {"items": (500, 500, 500)}


def test_decorated_functions_can_be_collected() -> None:
    """A decorated function that nobody holds any more is freed."""
    import weakref

    def make() -> Callable[[], None]:
        @timestamp(name="made")
        def made() -> None:
            pass

        return made

    made = make()
    gone = weakref.ref(made)
    del made
    gc.collect()
    assert gone() is None
