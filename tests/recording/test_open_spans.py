"""Starting and stopping in the middle of things, and asking while they run."""

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.engine import ENGINE

from .support import FakeClock, row, tree


def test_open_at_the_stop(clock: FakeClock) -> None:
    """Spans that are open at the stop are reported open, with their time so far."""
    capture = Capture()

    @timestamp(name="outer")
    def outer() -> None:
        clock.work(1)
        inner()
        clock.work(100)

    @timestamp(name="inner")
    def inner() -> None:
        clock.work(2)
        leaf()
        clock.work(4)
        capture.stop()
        clock.work(100)

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(8)

    capture.start()
    outer()
    leaf()
    assert tree(capture) == {
        "outer": (1, 15, 1),
        "outer/inner": (1, 14, 6),
        "outer/inner/leaf": (1, 8, 8),
    }
    assert [r.open for r in capture.recording().paths] == [1, 1, 0]
    assert (row(capture, "outer").min_ns, row(capture, "outer").max_ns) == (15, 15)


def test_recursion_open_at_the_stop(clock: FakeClock) -> None:
    """Folded calls that are open count as open too, their time once."""
    capture = Capture()

    @timestamp(name="dive")
    def dive(n: int) -> None:
        clock.work(1)
        if n:
            dive(n - 1)
        else:
            capture.stop()
        clock.work(100)

    capture.start()
    dive(4)
    assert tree(capture) == {"dive": (5, 5, 5)}
    assert row(capture, "dive").open == 5


def test_started_in_the_middle_of_a_call(clock: FakeClock) -> None:
    """A call that was open at the start is no span; what it calls later is at the top."""
    capture = Capture()

    @timestamp(name="outer")
    def outer() -> None:
        clock.work(1)
        capture.start()
        inner()
        clock.work(2)

    @timestamp(name="inner")
    def inner() -> None:
        clock.work(4)

    outer()
    inner()
    capture.stop()
    assert tree(capture) == {"inner": (2, 8, 8)}


def test_started_in_the_middle_of_recursion(clock: FakeClock) -> None:
    """Returns of calls whose start was not seen end nothing that was."""
    capture = Capture()

    @timestamp(name="dive")
    def dive(n: int) -> None:
        clock.work(1)
        if n == 2:
            capture.start()
        if n:
            dive(n - 1)
        clock.work(1)

    @timestamp(name="outer")
    def outer() -> None:
        dive(4)
        clock.work(1)

    with Capture() as around:
        outer()
    assert tree(around) == {"outer": (1, 11, 1), "outer/dive": (5, 10, 10)}
    capture.stop()
    assert tree(capture) == {"dive": (2, 4, 4)}


def test_stopped_and_started_again_in_the_middle(clock: FakeClock) -> None:
    """A call that was open at a stop isn't continued by the next start."""
    capture = Capture()

    @timestamp(name="outer")
    def outer() -> None:
        clock.work(1)
        capture.stop()
        clock.work(10)
        capture.start()
        inner()
        clock.work(100)

    @timestamp(name="inner")
    def inner() -> None:
        clock.work(4)

    capture.start()
    outer()
    capture.stop()
    assert tree(capture) == {"outer": (1, 1, 1), "inner": (1, 4, 4)}
    assert row(capture, "outer").open == 1
    assert capture.recording().wall_ns == 105


def test_started_and_stopped_by_decorated_functions(clock: FakeClock) -> None:
    """A capture that one call starts and another one stops leaves neither orphan nor parent."""
    capture = Capture()

    @timestamp(name="set_up")
    def set_up() -> None:
        clock.work(1)
        capture.start()
        clock.work(2)

    @timestamp(name="tear_down")
    def tear_down() -> None:
        clock.work(4)
        capture.stop()
        clock.work(8)

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(16)

    set_up()
    leaf()
    tear_down()
    leaf()
    assert tree(capture) == {"leaf": (1, 16, 16), "tear_down": (1, 4, 4)}
    assert capture.recording().wall_ns == 22


def test_asking_while_it_runs(clock: FakeClock) -> None:
    """A recording taken in the middle has the open spans with their time so far."""
    taken = []

    @timestamp(name="outer")
    def outer() -> None:
        clock.work(1)
        inner()
        clock.work(2)
        taken.append((tree(capture), row(capture, "outer").open, capture.recording().wall_ns))
        clock.work(4)

    @timestamp(name="inner")
    def inner() -> None:
        clock.work(8)

    with Capture() as capture:
        outer()
        clock.work(16)
        assert tree(capture) == {"outer": (1, 15, 7), "outer/inner": (1, 8, 8)}
    assert taken == [({"outer": (1, 11, 3), "outer/inner": (1, 8, 8)}, 1, 11)]
    assert row(capture, "outer").open == 0


def test_asking_changes_nothing(clock: FakeClock) -> None:
    """Recordings are the same however often they are taken."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1)

    with Capture() as capture:
        leaf()
        first, second = capture.recording(), capture.recording()
        leaf()
    assert first == second
    assert capture.recording() == capture.recording()
    assert tree(capture) == {"leaf": (2, 2, 2)}


def test_stopping_what_does_not_run() -> None:
    """A stop without a start is refused, and says what was missing."""
    with pytest.raises(ArgumentError) as caught:
        Capture("mine").stop()
    assert str(caught.value) == (
        "collector 'mine' is not running: each stop() needs a start() before it"
    )


def test_what_is_collected_while_a_capture_stops_is_counted(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suspended generator in a cycle is closed whenever the garbage collector comes by."""

    @timestamp(name="numbers")
    def numbers() -> Iterator[int]:
        yield 1

    def leave_suspended() -> None:
        generator = numbers()
        next(generator)
        cycle: list[object] = [generator]
        cycle.append(cycle)

    def collecting(step: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*arguments: Any) -> Any:
            result = step(*arguments)
            if gc.isenabled():
                gc.collect()
            return result

        return stepped

    for step in ("leave", "open_spans", "close"):
        with monkeypatch.context() as patched:
            patched.setattr(ENGINE, step, collecting(getattr(ENGINE, step)))
            with Capture() as capture:
                leave_suspended()
        assert row(capture, "numbers").calls == 1
        assert gc.isenabled()
        gc.collect()
