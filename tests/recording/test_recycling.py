"""Trees that are left to the next capture: when they are, and that nothing of before shows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context

import pytest

from pytest_timestamps.recording import Capture, recycling, timestamp, timestamp_block
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.results import PathStats
from pytest_timestamps.recording.tree import Root

from .support import MONITORED, FakeClock, Recycling, row, tree


@pytest.fixture
def leaf(clock: FakeClock) -> Callable[[], None]:
    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1)

    return leaf


@pytest.fixture
def trunk(leaf: Callable[[], None], clock: FakeClock) -> Callable[[], None]:
    @timestamp(name="trunk")
    def trunk() -> None:
        clock.work(1)
        leaf()

    return trunk


def kept() -> list[Root]:
    """The trees that are kept at present."""
    return ENGINE.lanes.kept_roots()


def made_paths(capture: Capture) -> int:
    """How many call paths were made for what it has gathered so far."""
    return sum(scope.paths for scope in capture.scopes)


def test_the_next_capture_makes_no_path_anew(trunk: Callable[[], None]) -> None:
    """What one capture has called costs the next one no new path."""
    with Recycling() as first:
        trunk()
        assert made_paths(first) == 2
    with Recycling() as second:
        trunk()
        assert made_paths(second) == 0
    assert tree(first) == tree(second) == {"trunk": (1, 2, 1), "trunk/leaf": (1, 1, 1)}


def test_what_was_called_before_does_not_show(
    trunk: Callable[[], None], leaf: Callable[[], None]
) -> None:
    """A capture has the rows of what was called during it, and no others."""
    with Recycling():
        trunk()
    with Recycling() as second:
        leaf()
        assert [path.name for path in second.recording().paths] == ["leaf"]
    with Recycling() as third:
        leaf()
        trunk()
    assert tree(second) == {"leaf": (1, 1, 1)}
    assert tree(third) == {"leaf": (1, 1, 1), "trunk": (1, 2, 1), "trunk/leaf": (1, 1, 1)}


def test_rows_are_in_the_order_of_names(clock: FakeClock) -> None:
    """Whatever ran before, and in whatever order."""

    def names(*called: str) -> list[str]:
        with Recycling() as capture, timestamp_block("outer"):
            for name in called:
                with timestamp_block(name):
                    clock.work(1)
        return [path.name for path in capture.recording().paths]

    assert names("b", "a", "c") == ["outer", "a", "b", "c"]
    assert names("c", "a") == ["outer", "a", "c"]


def test_each_section_has_its_tree(trunk: Callable[[], None], leaf: Callable[[], None]) -> None:
    """A tree is used again in the section that it had."""
    for _ in range(2):
        with Recycling() as capture:
            capture.section("setup")
            trunk()
            capture.section("call")
            leaf()
            made = made_paths(capture)
        assert tree(capture) == {
            "setup:trunk": (1, 2, 1),
            "setup:trunk/leaf": (1, 1, 1),
            "call:leaf": (1, 1, 1),
        }
    assert made == 0
    assert {root.sections for root in kept()} == {("setup",), ("call",)}


def test_plain_captures_neither_keep_nor_take(trunk: Callable[[], None]) -> None:
    """A user's collector has a tree of its own."""
    with Capture():
        trunk()
    assert kept() == []
    with Recycling():
        trunk()
    with Capture() as plain:
        trunk()
        assert made_paths(plain) == 2


def test_a_nested_capture_has_a_tree_of_its_own(trunk: Callable[[], None]) -> None:
    """Where two gather, nothing is kept or taken."""
    with Recycling():
        trunk()
    with Recycling() as outer, Capture() as inner:
        trunk()
        assert made_paths(inner) == 2
    assert tree(outer) == tree(inner)
    with Capture() as outer, Recycling() as inner:
        trunk()
        assert made_paths(inner) == 2
    assert tree(outer) == tree(inner)


def test_a_context_that_was_left_behind_finds_nothing_of_its_own(
    trunk: Callable[[], None], leaf: Callable[[], None], clock: FakeClock
) -> None:
    """What runs in an earlier capture's context belongs to who gathers, below its caller."""
    callbacks: list[Callable[[], None]] = []

    @timestamp(name="loop")
    def loop() -> None:
        clock.work(1)
        for callback in callbacks:
            callback()

    with Recycling() as first:
        loop()
        context = copy_context()
    callbacks.append(lambda: context.run(trunk))
    with Recycling() as second:
        loop()
    assert tree(first) == {"loop": (1, 1, 1)}
    assert tree(second) == {
        "loop": (1, 3, 1),
        "loop/trunk": (1, 2, 1),
        "loop/trunk/leaf": (1, 1, 1),
    }


def test_a_tree_with_something_open_is_not_kept(clock: FakeClock) -> None:
    """A generator that is suspended at the end goes on in no other capture's tree."""

    @timestamp(name="items")
    def items() -> Iterator[int]:
        clock.work(1)
        yield 1
        clock.work(10)

    suspended = items()
    with Recycling() as first:
        next(suspended)
    assert kept() == []
    with Recycling() as second:
        list(items())
        list(suspended)
    assert row(first, "items").open == 1
    assert tree(second) == {"items": (1, 11, 11)}
    # where it is known that the rest of it began elsewhere, it has a part of the tree
    assert MONITORED or kept() == []


def test_what_started_a_thread_is_not_kept(
    trunk: Callable[[], None], leaf: Callable[[], None]
) -> None:
    """What a span has started refers to it as long as it runs."""

    @timestamp(name="starter")
    def starter() -> None:
        thread = threading.Thread(target=trunk)
        leaf()
        thread.start()
        thread.join()

    below = {"outer/starter/leaf", "outer/starter/~trunk", "outer/starter/~trunk/leaf"}
    for made in (5, 4):
        with Recycling() as capture, timestamp_block("outer"):
            starter()
            assert made_paths(capture) == made
        assert set(tree(capture)) == {"outer", "outer/starter", *below}
        assert [root.size for root in kept()] == [1]


def test_a_task_that_outlives_its_capture(
    trunk: Callable[[], None], leaf: Callable[[], None]
) -> None:
    """What it calls is in sight of the next one, and what started it is not."""
    loop = asyncio.new_event_loop()
    event = asyncio.Event()

    async def later() -> None:
        await event.wait()
        trunk()

    @timestamp(name="starter")
    def starter() -> asyncio.Task[None]:
        return loop.create_task(later())

    with Recycling():
        leaf()
        task = starter()
        loop.run_until_complete(asyncio.sleep(0))
    with Recycling() as second:
        leaf()
        event.set()
        loop.run_until_complete(task)
    loop.close()
    assert tree(second) == {"leaf": (1, 1, 1), "trunk": (1, 2, 1), "trunk/leaf": (1, 1, 1)}


def test_work_that_a_tree_starts_which_is_used_again(trunk: Callable[[], None]) -> None:
    """A thread that the second capture starts belongs below the function that started it."""

    @timestamp(name="starter")
    def starter(starts: bool) -> None:
        if starts:
            thread = threading.Thread(target=trunk)
            thread.start()
            thread.join()

    for starts in (False, True):
        with Recycling() as capture, timestamp_block("outer"):
            starter(starts)
    found = set(tree(capture)) - {"outer", "outer/starter"}
    assert found == {"outer/starter/~trunk", "outer/starter/~trunk/leaf"}


def test_a_capture_within_recursion_in_a_tree_that_is_used_again(
    trunk: Callable[[], None], clock: FakeClock
) -> None:
    """What it sees hangs below the function that entered it, for the outer one."""

    @timestamp(name="entering")
    def entering(enters: bool) -> None:
        clock.work(1)
        if enters:
            with Capture():
                trunk()

    @timestamp(name="visit")
    def visit(depth: int, enters: bool) -> None:
        if depth:
            visit(depth - 1, enters)
        else:
            entering(enters)

    for enters in (False, True):
        with Recycling() as capture:
            visit(2, enters)
    assert tree(capture) == {
        "visit": (3, 3, 0),
        "visit/entering": (1, 3, 1),
        "visit/entering/trunk": (1, 2, 1),
        "visit/entering/trunk/leaf": (1, 1, 1),
    }


def test_a_tree_is_not_kept_by_another_thread(trunk: Callable[[], None]) -> None:
    """Where a capture is stopped by another thread than that which started it, nothing is."""
    capture = Recycling()
    ENGINE.lanes.here()

    def start() -> None:
        capture.start()
        trunk()

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    capture.stop()
    assert kept() == []
    assert tree(capture) == {"trunk": (1, 2, 1), "trunk/leaf": (1, 1, 1)}


@pytest.mark.skipif(not MONITORED, reason="3.11 records by wrappers")
def test_a_tree_is_not_kept_while_something_unseen_runs_in_it(
    trunk: Callable[[], None], clock: FakeClock
) -> None:
    """A generator that began before the capture, and that stops it."""
    capture = Recycling()

    @timestamp(name="items")
    def items() -> Iterator[None]:
        yield
        trunk()
        capture.stop()
        yield

    suspended = items()
    next(suspended)
    capture.start()
    next(suspended)
    assert kept() == []
    assert set(tree(capture)) == {"trunk", "trunk/leaf"}


def test_a_timeline_is_not_kept(trunk: Callable[[], None]) -> None:
    """Each of its spans is told apart anyway."""
    with Recycling(timeline=True) as capture:
        trunk()
    assert kept() == []
    assert len(capture.recording().timeline) == 2


def test_what_is_open_on_a_guarded_lane_shows(clock: FakeClock) -> None:
    """A capture that is asked while it runs has the spans that are open."""

    @timestamp(name="items")
    def items(capture: Capture) -> Iterator[dict[str, tuple[int, int, int]]]:
        # a block that may be suspended is never plain recursion
        with timestamp_block("b"), timestamp_block("b"), timestamp_block("c"):
            clock.work(1)
            yield tree(capture)

    found = []
    for _ in range(2):
        with Recycling() as capture:
            found += items(capture)
    assert found == 2 * [{"items": (1, 1, 0), "items/b": (2, 1, 0), "items/b/c": (1, 1, 1)}]


def test_time_without_a_call_shows(clock: FakeClock) -> None:
    """A generator that goes on elsewhere leaves the first stretch's time where it was."""

    @timestamp(name="inner")
    def inner() -> Iterator[None]:
        clock.work(1)
        yield
        clock.work(1)

    @timestamp(name="items")
    def items(steps: Iterator[None]) -> Iterator[None]:
        with timestamp_block("b"), timestamp_block("b"):
            next(steps)
            yield

    for _ in range(2):
        with Recycling() as capture:
            steps = inner()
            list(items(steps))
            list(steps)
    assert tree(capture) == {
        "items": (1, 1, 0),
        "items/b": (2, 1, 0),
        "items/b/inner": (0, 1, 1),
        "inner": (1, 1, 1),
    }


def test_another_threads_tree_is_not_kept(trunk: Callable[[], None]) -> None:
    """Who stops a capture keeps the trees of the own thread alone."""
    with Recycling() as capture:
        trunk()
        context = copy_context()
        thread = threading.Thread(target=context.run, args=(trunk,))
        thread.start()
        thread.join()
    assert len(kept()) == 1
    assert sum(calls for calls, _, _ in tree(capture).values()) == 4
    with Recycling() as again:
        trunk()
    assert tree(again) == {"trunk": (1, 2, 1), "trunk/leaf": (1, 1, 1)}


def test_recursion_in_a_tree_that_is_used_again(clock: FakeClock) -> None:
    """Folded calls are figures like others."""

    @timestamp(name="visit")
    def visit(depth: int) -> None:
        clock.work(1)
        if depth:
            with timestamp_block("children"):
                visit(depth - 1)

    found = []
    for _ in range(2):
        with Recycling() as capture:
            visit(3)
        found.append(capture.recording().paths)
    assert found[0] == found[1]
    assert len(kept()) == 1


def test_a_large_tree_is_let_go(trunk: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that calls something new in each test doesn't keep it all."""
    monkeypatch.setattr(recycling, "SIZE_LIMIT", 1)
    with Recycling():
        trunk()
    assert kept() == []


def test_a_capture_that_is_started_again_adds_to_its_rows(
    trunk: Callable[[], None], leaf: Callable[[], None]
) -> None:
    """Rows that were frozen at once can be added to."""
    with Recycling() as capture:
        trunk()
    with capture:
        trunk()
        leaf()
    assert tree(capture) == {
        "trunk": (2, 4, 2),
        "trunk/leaf": (2, 2, 2),
        "leaf": (1, 1, 1),
    }
    assert [path.min_ns for path in capture.recording().paths] == [2, 1, 1]


def test_siblings_of_one_name_are_one_row(clock: FakeClock) -> None:
    """Two functions of one name are the same call path, in a kept tree too."""
    both = []
    for _ in range(2):

        @timestamp(name="same")
        def same() -> None:
            clock.work(1)

        both.append(same)
    for _ in range(2):
        with Recycling() as capture:
            for function in both:
                function()
        assert tree(capture) == {"same": (2, 2, 2)}


@pytest.mark.skipif(not MONITORED, reason="3.11 records by wrappers")
def test_a_function_that_gets_another_name_has_it(clock: FakeClock) -> None:
    """A code that is instrumented anew shows under its new name."""
    from pytest_timestamps.recording.marks import MARKS
    from pytest_timestamps.recording.sites import Site

    assert MARKS is not None

    def function() -> None:
        clock.work(1)

    names = []
    for name in ("before", "after"):
        MARKS.mark_found(function.__code__, Site(name, "code"))
        with Recycling() as capture:
            function()
        names += tree(capture)
        MARKS.unmark_found(function.__code__)
    assert names == ["before", "after"]


def test_a_span_that_was_exempt_is_charged_once(
    trunk: Callable[[], None], clock: FakeClock
) -> None:
    """What recording took for itself inside a span is forgotten with it."""

    @timestamp(name="outer")
    def outer(spent_ns: int) -> None:
        clock.work(10)
        ENGINE.exempt(spent_ns)
        trunk()

    found: list[PathStats] = []
    for spent_ns in (5, 0):
        with Recycling() as capture:
            outer(spent_ns)
        found.append(row(capture, "outer"))
    assert [one.self_ns for one in found] == [5, 10]
