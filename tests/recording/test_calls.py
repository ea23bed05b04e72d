"""Plain calls: what a hand calculation says of nesting, recursion and exceptions."""

import asyncio
from itertools import count

import pytest

from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.engine import ENGINE

from .support import FakeClock, row, tree


def test_self_time_excludes_children(clock: FakeClock) -> None:
    """Self time is total time less that of the direct children."""

    @timestamp(name="leaf")
    def leaf(duration_ns: int) -> None:
        clock.work(duration_ns)

    @timestamp(name="trunk")
    def trunk() -> None:
        clock.work(5)
        leaf(3)
        leaf(4)
        clock.work(1)

    with Capture() as capture:
        clock.work(100)
        trunk()
        leaf(2)
    assert tree(capture) == {"trunk": (1, 13, 6), "trunk/leaf": (2, 7, 7), "leaf": (1, 2, 2)}
    assert capture.recording().wall_ns == capture.recording().total_ns == 115


def test_minimum_and_maximum_are_of_single_calls(clock: FakeClock) -> None:
    """The shortest and the longest call are kept exactly."""

    @timestamp(name="leaf")
    def leaf(duration_ns: int) -> None:
        clock.work(duration_ns)

    with Capture() as capture:
        for duration_ns in (7, 3, 9, 4):
            leaf(duration_ns)
    leaf_row = row(capture, "leaf")
    assert (leaf_row.min_ns, leaf_row.max_ns, leaf_row.total_ns) == (3, 9, 23)


def test_direct_recursion_counts_total_once(clock: FakeClock) -> None:
    """A recursive function's total is that of its outermost call; every call is counted."""

    @timestamp(name="fact")
    def fact(n: int) -> int:
        clock.work(1)
        product = n * fact(n - 1) if n else 1
        clock.work(1)
        return product

    with Capture() as capture:
        assert fact(9) == 362_880
    assert tree(capture) == {"fact": (10, 20, 20)}
    assert (row(capture, "fact").min_ns, row(capture, "fact").max_ns) == (2, 20)


def test_recursion_through_another_function(clock: FakeClock) -> None:
    """Mutual recursion folds into the outermost call of each name."""

    @timestamp(name="even")
    def even(n: int) -> bool:
        clock.work(3)
        return n == 0 or odd(n - 1)

    @timestamp(name="odd")
    def odd(n: int) -> bool:
        clock.work(5)
        return n != 0 and even(n - 1)

    with Capture() as capture:
        assert even(4)
        assert odd(1)
    # even 4, 2, 0 and odd 3, 1 below even; then odd 1, even 0
    assert tree(capture) == {
        "even": (3, 19, 9),
        "even/odd": (2, 16, 10),
        "odd": (1, 8, 5),
        "odd/even": (1, 3, 3),
    }


def test_recursion_that_begins_above_a_recursion(clock: FakeClock) -> None:
    """A name that first opens above a recursion folds there as well, its path known or not."""

    @timestamp(name="rec")
    def rec(depth: int) -> None:
        clock.work(1)
        if depth == 3:
            rec(2)
        elif depth:
            other(depth)

    @timestamp(name="other")
    def other(depth: int) -> None:
        clock.work(10)
        rec(depth - 1)

    with Capture() as capture:
        rec(3)
    assert tree(capture) == {"rec": (4, 24, 4), "rec/other": (2, 22, 20)}


def test_recursion_below_a_helper_keeps_the_helpers_own_time(clock: FakeClock) -> None:
    """A function between two calls of a recursive one keeps its own self time."""

    @timestamp(name="walk")
    def walk(depth: int) -> None:
        clock.work(2)
        if depth:
            visit(depth)
        clock.work(2)

    @timestamp(name="visit")
    def visit(depth: int) -> None:
        clock.work(10)
        walk(depth - 1)
        leaf()

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1)

    with Capture() as capture:
        walk(2)
    timings = tree(capture)
    assert timings["walk"] == (3, 34, 12)
    # visit(2) holds 10 + walk(1) + 1, where walk(1) = 4 + visit(1), visit(1) = 10 + 4 + 1
    assert timings["walk/visit"] == (2, 30, 20)
    assert sum(self_ns for _, _, self_ns in timings.values()) == 34
    assert sum(calls for path, (calls, _, _) in timings.items() if path.endswith("leaf")) == 2


def test_deep_recursion_loses_no_call(clock: FakeClock) -> None:
    """Hundreds of nested calls are all counted."""

    @timestamp(name="dive")
    def dive(n: int) -> None:
        clock.work(1)
        if n:
            dive(n - 1)

    with Capture() as capture:
        dive(299)
    assert tree(capture) == {"dive": (300, 300, 300)}


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        KeyboardInterrupt(),
        SystemExit(3),
        asyncio.CancelledError(),
        GeneratorExit(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_call_that_raises_is_an_error(clock: FakeClock, error: BaseException) -> None:
    """A call that raises anything at all is recorded, with its time, as an error."""

    @timestamp(name="inner")
    def inner() -> None:
        clock.work(3)
        raise error

    @timestamp(name="outer")
    def outer() -> None:
        clock.work(2)
        try:
            inner()
        finally:
            clock.work(4)

    with Capture() as capture:
        with pytest.raises(type(error)) as caught:
            outer()
        clock.work(50)
    assert caught.value is error
    assert tree(capture) == {"outer": (1, 9, 6), "outer/inner": (1, 3, 3)}
    assert row(capture, "outer").errors == row(capture, "outer/inner").errors == 1


def test_stop_iteration_from_a_plain_function_is_an_error(clock: FakeClock) -> None:
    """`next` on an exhausted iterator inside a function leaves it as StopIteration, recorded."""

    @timestamp(name="first")
    def first(items: list[int]) -> int:
        clock.work(2)
        return next(iter(items))

    with Capture() as capture:
        with pytest.raises(StopIteration):
            first([])
        assert first([4]) == 4
    assert tree(capture) == {"first": (2, 4, 4)}
    assert row(capture, "first").errors == 1


def test_a_caught_exception_is_the_inner_functions_alone(clock: FakeClock) -> None:
    """Who catches is no error, and goes on where it was."""

    @timestamp(name="inner")
    def inner() -> None:
        clock.work(3)
        raise LookupError

    @timestamp(name="outer")
    def outer() -> None:
        for _ in range(2):
            try:
                inner()
            except LookupError:
                clock.work(1)
        leaf()

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(7)

    with Capture() as capture:
        outer()
    assert tree(capture) == {"outer": (1, 15, 2), "outer/inner": (2, 6, 6), "outer/leaf": (1, 7, 7)}
    assert (row(capture, "outer").errors, row(capture, "outer/inner").errors) == (0, 2)


def test_an_exception_crosses_undecorated_frames(clock: FakeClock) -> None:
    """Undecorated functions between two decorated ones change nothing when unwound."""

    @timestamp(name="inner")
    def inner() -> None:
        clock.work(1)
        raise LookupError

    def between(n: int) -> None:
        clock.work(1)
        if n:
            between(n - 1)
        else:
            inner()

    @timestamp(name="outer")
    def outer() -> None:
        with pytest.raises(LookupError):
            between(3)
        clock.work(1)

    with Capture() as capture:
        outer()
    assert tree(capture) == {"outer": (1, 6, 5), "outer/inner": (1, 1, 1)}


def test_recursion_that_raises_at_the_bottom(clock: FakeClock) -> None:
    """Each folded call that the exception leaves counts as an error of its own."""

    @timestamp(name="dive")
    def dive(n: int) -> None:
        clock.work(2)
        if not n:
            raise LookupError
        dive(n - 1)

    with Capture() as capture:
        with pytest.raises(LookupError):
            dive(3)
        with pytest.raises(LookupError):
            dive(0)
    assert tree(capture) == {"dive": (5, 10, 10)}
    assert row(capture, "dive").errors == 5


def test_a_recursion_limit_is_survived(clock: FakeClock) -> None:
    """A RecursionError in the program is counted, and later calls come out right."""

    @timestamp(name="endless")
    def endless() -> None:
        endless()

    @timestamp(name="leaf")
    def leaf() -> None:
        pass

    # as the real clock it needs no frame, of which there is none to be had
    ENGINE.use_clock(count().__next__)
    with Capture() as capture:
        with pytest.raises(RecursionError):
            endless()
        leaf()
    assert tree(capture)["leaf"] == (1, 1, 1)
    assert row(capture, "endless").errors >= row(capture, "endless").calls - 1 > 50
    # where the stack is exhausted recording has no room either: it says so, and does no harm
    ENGINE.faults = 0
