"""Sections: each capture tells apart by its own what starts in them, whoever else gathers."""

import contextvars
import threading
from collections.abc import Callable

import pytest

from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.results import TimelineSpan

from .support import FakeClock, Recycling, tree


@pytest.fixture
def leaf(clock: FakeClock) -> Callable[[int], None]:
    @timestamp(name="leaf")
    def leaf(duration_ns: int) -> None:
        clock.work(duration_ns)

    return leaf


def test_sections(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """A section tells spans apart that start after it was named."""
    with Capture() as capture:
        capture.section("setup")
        leaf(1)
        capture.section("call")
        leaf(10)
        leaf(10)
        capture.section("teardown")
        leaf(100)
    assert tree(capture) == {
        "setup:leaf": (1, 1, 1),
        "call:leaf": (2, 20, 20),
        "teardown:leaf": (1, 100, 100),
    }


def test_a_section_ends_with_the_capture(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """A capture that starts again starts without a section."""
    capture = Capture()
    with capture:
        capture.section("setup")
        leaf(1)
    with capture:
        leaf(10)
    assert tree(capture) == {"setup:leaf": (1, 1, 1), "leaf": (1, 10, 10)}


def test_a_task_keeps_the_section_of_its_start(
    clock: FakeClock, leaf: Callable[[int], None]
) -> None:
    """Work that outlives a section stays in the section that started it."""
    started, go_on = threading.Event(), threading.Event()

    @timestamp(name="spawn")
    def spawn() -> threading.Thread:
        def work() -> None:
            started.set()
            assert go_on.wait(10)
            leaf(10)

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    with Capture() as capture:
        capture.section("setup")
        thread = spawn()
        assert started.wait(10)
        capture.section("call")
        go_on.set()
        thread.join()
        leaf(1)
    assert tree(capture) == {
        "setup:spawn": (1, 0, 0),
        "setup:spawn/~leaf": (1, 10, 10),
        "call:leaf": (1, 1, 1),
    }


@pytest.mark.parametrize("kind", [Capture, Recycling])
def test_a_nested_capture_leaves_the_section_as_it_is(
    leaf: Callable[[int], None], kind: type[Capture]
) -> None:
    """What is nested sees no section of others, and hides none."""
    with kind() as test:
        test.section("call")
        leaf(1)
        with Capture() as nested:
            leaf(10)
        leaf(100)
    assert tree(test) == {"call:leaf": (3, 111, 111)}
    assert tree(nested) == {"leaf": (1, 10, 10)}


@pytest.mark.parametrize("kind", [Capture, Recycling])
def test_only_nested_work_has_its_section(leaf: Callable[[int], None], kind: type[Capture]) -> None:
    """A tree that two captures share has a section for each of them."""
    for _ in range(2):
        with kind() as test:
            test.section("call")
            with Capture() as nested:
                nested.section("own")
                leaf(1)
        assert tree(test) == {"call:leaf": (1, 1, 1)}
        assert tree(nested) == {"own:leaf": (1, 1, 1)}


@pytest.mark.parametrize("kind", [Capture, Recycling])
def test_a_section_starts_while_another_capture_is_nested(
    leaf: Callable[[int], None], kind: type[Capture]
) -> None:
    """A fixture's collector is entered in one section and left in another."""
    for _ in range(2):
        with kind() as test:
            test.section("setup")
            leaf(1)
            nested = Capture()
            nested.start()
            leaf(2)
            test.section("call")
            leaf(10)
            nested.section("own")
            leaf(20)
            test.section("teardown")
            leaf(100)
            nested.stop()
            leaf(200)
        assert tree(test) == {
            "setup:leaf": (2, 3, 3),
            "call:leaf": (2, 30, 30),
            "teardown:leaf": (2, 300, 300),
        }
        assert tree(nested) == {"leaf": (2, 12, 12), "own:leaf": (2, 120, 120)}


def test_captures_are_left_in_any_order(leaf: Callable[[int], None]) -> None:
    """The outermost goes first, as where a wide fixture's collector outlives a test."""
    wide = Capture()
    with Recycling() as first:
        first.section("call")
        leaf(1)
        wide.start()
        wide.section("wide")
        leaf(1)
    leaf(10)
    with Recycling() as second:
        second.section("call")
        leaf(100)
        second.section("teardown")
        leaf(1_000)
        wide.stop()
        leaf(10_000)
    assert tree(first) == {"call:leaf": (2, 2, 2)}
    assert tree(second) == {"call:leaf": (1, 100, 100), "teardown:leaf": (2, 11_000, 11_000)}
    assert tree(wide) == {"wide:leaf": (4, 1_111, 1_111)}


def test_three_captures_have_three_sections(leaf: Callable[[int], None]) -> None:
    """A section that starts further out goes by those within."""
    with Capture() as outer, Capture() as middle, Capture() as inner:
        for number, capture in enumerate((outer, middle, inner, outer)):
            capture.section(f"s{number}")
            leaf(10**number)
    assert tree(outer) == {"s0:leaf": (3, 111, 111), "s3:leaf": (1, 1_000, 1_000)}
    assert tree(middle) == {"leaf": (1, 1, 1), "s1:leaf": (3, 1_110, 1_110)}
    assert tree(inner) == {"leaf": (2, 11, 11), "s2:leaf": (2, 1_100, 1_100)}


def test_a_thread_keeps_the_sections_of_its_start(leaf: Callable[[int], None]) -> None:
    """Those of every capture that saw it start, with collectors of its own as well."""
    started, go_on = threading.Event(), threading.Event()
    own = Capture()

    def work() -> None:
        leaf(1)
        started.set()
        assert go_on.wait(10)
        leaf(10)
        with own:
            leaf(100)

    with Capture() as test:
        test.section("setup")
        with Capture() as nested:
            nested.section("own")
            thread = threading.Thread(target=work)
            thread.start()
            assert started.wait(10)
            test.section("call")
            go_on.set()
            thread.join()
    assert tree(test) == {"setup:leaf": (3, 111, 111)}
    assert tree(nested) == {"own:leaf": (3, 111, 111)}
    assert tree(own) == {"leaf": (1, 100, 100)}


def test_older_contexts_are_in_the_section_in_which_they_run(leaf: Callable[[int], None]) -> None:
    """As is an event loop that was there before the test which drives it."""
    oldest = contextvars.copy_context()
    with Capture() as session:
        session.section("session")
        older = contextvars.copy_context()
    with Capture() as test:
        for section in ("setup", "call"):
            test.section(section)
            oldest.run(leaf, 1)
            older.run(leaf, 10)
    assert tree(session) == {}
    assert tree(test) == {"setup:leaf": (2, 11, 11), "call:leaf": (2, 11, 11)}


def test_a_timeline_has_its_own_captures_sections(leaf: Callable[[int], None]) -> None:
    """Each span is in the section of the capture that keeps the timeline."""
    with Capture(timeline=True) as test:
        test.section("setup")
        with Capture(timeline=True) as nested:
            nested.section("own")
            leaf(1)
            test.section("call")
            leaf(1)
    here = threading.current_thread().name
    assert test.recording().timeline == (
        TimelineSpan("leaf", "setup", 0, 1, here, ""),
        TimelineSpan("leaf", "call", 1, 2, here, ""),
    )
    assert {span.section for span in nested.recording().timeline} == {"own"}
