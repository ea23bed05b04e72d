"""Several captures at once: nested, crossed, entered again, from anywhere."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.overhead import Cost, SpanCosts

from .support import FakeClock, row, tree


@pytest.fixture
def leaf(clock: FakeClock) -> Callable[[int], None]:
    """A recorded function that works for as long as it is told."""

    @timestamp(name="leaf")
    def leaf(duration_ns: int = 1) -> None:
        clock.work(duration_ns)

    return leaf


def test_nested(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """What an inner capture sees, the outer one sees as well."""
    with Capture() as outer:
        leaf(1)
        with Capture() as inner:
            leaf(10)
        leaf(100)
    assert tree(outer) == {"leaf": (3, 111, 111)}
    assert tree(inner) == {"leaf": (1, 10, 10)}


def test_an_inner_capture_inside_a_span(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """In the outer capture the inner one's spans keep their place in the call tree."""
    inner = Capture()

    @timestamp(name="trunk")
    def trunk() -> None:
        clock.work(1)
        with inner:
            leaf(10)
            clock.work(2)
        leaf(100)

    with Capture() as outer:
        trunk()
        trunk()
    assert tree(outer) == {"trunk": (2, 226, 6), "trunk/leaf": (4, 220, 220)}
    assert tree(inner) == {"leaf": (2, 20, 20)}


def test_recursion_across_an_inner_capture(clock: FakeClock) -> None:
    """Recursion that passes the start of an inner capture counts once in each of them."""
    inner = Capture()

    @timestamp(name="dive")
    def dive(n: int) -> None:
        clock.work(1)
        if n == 2:
            with inner:
                dive(n - 1)
        elif n:
            dive(n - 1)
        clock.work(1)

    with Capture() as outer:
        dive(3)
    assert tree(outer) == {"dive": (4, 8, 8)}
    assert tree(inner) == {"dive": (2, 4, 4)}


def test_crossed(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """Captures that overlap without being nested each see what ran while they did."""
    first, second = Capture(), Capture()
    first.start()
    leaf(1)
    second.start()
    leaf(10)
    first.stop()
    leaf(100)
    second.stop()
    leaf(1_000)
    assert tree(first) == {"leaf": (2, 11, 11)}
    assert tree(second) == {"leaf": (2, 110, 110)}


def test_crossed_inside_a_span(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """A stop of the outer capture ends its open span there, and the inner one goes on."""
    first, second = Capture(), Capture()

    @timestamp(name="trunk")
    def trunk() -> None:
        second.start()
        leaf(1)
        first.stop()
        leaf(10)

    first.start()
    trunk()
    leaf(100)
    second.stop()
    assert tree(first) == {"trunk": (1, 1, 0), "trunk/leaf": (1, 1, 1)}
    assert row(first, "trunk").open == 1
    assert tree(second) == {"leaf": (3, 111, 111)}


def test_entered_again_while_entered(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """Entered twice it counts once, and runs until its last exit."""
    capture = Capture()
    with capture:
        leaf(1)
        with capture:
            leaf(10)
        leaf(100)
    leaf(1_000)
    assert tree(capture) == {"leaf": (3, 111, 111)}
    assert capture.recording().wall_ns == 111


def test_reused(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """Entered again after its end it goes on adding; the time between isn't its own."""
    capture = Capture()
    for _ in range(3):
        with capture:
            leaf(1)
        leaf(1_000)
    assert tree(capture) == {"leaf": (3, 3, 3)}
    assert capture.recording().wall_ns == 3


def test_entered_again_below_another(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """Outer, inner, outer again: each call counts once for each."""
    outer, inner = Capture(), Capture()
    with outer, inner:
        leaf(1)
        with outer:
            leaf(10)
        leaf(100)
    assert tree(outer) == tree(inner) == {"leaf": (3, 111, 111)}


def test_entered_from_several_threads(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """A capture that several threads enter gathers from each of them, while it is entered."""
    capture = Capture()

    def work(duration_ns: int) -> None:
        leaf(1_000)
        with capture:
            leaf(duration_ns)
        leaf(1_000)

    for duration_ns in (1, 10, 100):
        thread = threading.Thread(target=work, args=(duration_ns,))
        thread.start()
        thread.join()
    assert tree(capture) == {"leaf": (3, 111, 111)}


def test_overlapping_in_two_threads(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """A capture stays on for the thread that is still in it when another one has left."""
    capture = Capture()
    entered, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with capture:
            entered.set()
            assert go_on.wait(10)
            leaf(10)

    thread = threading.Thread(target=work)
    with capture:
        thread.start()
        assert entered.wait(10)
        leaf(1)
    leaf(1_000)
    go_on.set()
    thread.join()
    leaf(1_000)
    assert sum(f[2] for f in tree(capture).values()) == 11
    assert sum(f[0] for f in tree(capture).values()) == 2


def test_a_neighbouring_thread_is_not_seen(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """A thread that was running before a capture started does not belong to it."""
    go_on, done = threading.Event(), threading.Event()

    def neighbour() -> None:
        assert go_on.wait(10)
        leaf(10)
        done.set()

    thread = threading.Thread(target=neighbour)
    thread.start()
    with Capture() as capture:
        go_on.set()
        assert done.wait(10)
        leaf(1)
    thread.join()
    assert tree(capture) == {"leaf": (1, 1, 1)}


def test_in_a_yield_fixture(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """A capture entered by a generator covers its thread while the generator is suspended."""
    capture = Capture()

    def fixture() -> Iterator[Capture]:
        with capture:
            yield capture

    running = fixture()
    next(running)
    leaf(1)
    assert next(running, None) is None
    leaf(1_000)
    assert tree(capture) == {"leaf": (1, 1, 1)}


def test_on_an_exit_stack(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """A capture entered by a function that has returned goes on until its exit."""
    stack = ExitStack()

    def enter() -> Capture:
        return stack.enter_context(Capture())

    with stack:
        capture = enter()
        leaf(1)
    leaf(1_000)
    assert tree(capture) == {"leaf": (1, 1, 1)}


def test_in_a_hook_wrapper_around_spans(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """A capture entered in a generator of decorated calls takes what runs around its yield."""
    capture = Capture()

    @contextmanager
    def wrapper() -> Iterator[None]:
        capture.start()
        try:
            yield
        finally:
            capture.stop()

    @timestamp(name="test")
    def test() -> None:
        leaf(1)

    for _ in range(2):
        with wrapper():
            test()
        leaf(1_000)
    assert tree(capture) == {"test": (2, 2, 0), "test/leaf": (2, 2, 2)}


def test_without(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """A capture hides what it sees from those that it is `without`."""
    session, other = Capture(), Capture()
    with session, other:
        leaf(1)
        with Capture(without=[session]) as fixture:
            leaf(10)
            with Capture() as inner:
                leaf(100)
        leaf(1_000)
    assert tree(session) == {"leaf": (2, 1_001, 1_001)}
    assert tree(other) == {"leaf": (4, 1_111, 1_111)}
    assert tree(fixture) == {"leaf": (2, 110, 110)}
    assert tree(inner) == {"leaf": (1, 100, 100)}


def test_without_inside_a_span(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """Hidden spans are neither child nor self time of the span that they ran in."""
    fixture_time = 10

    @timestamp(name="trunk")
    def trunk(session: Capture) -> Capture:
        clock.work(1)
        with Capture(without=[session]) as fixture:
            leaf(fixture_time)
        clock.work(2)
        return fixture

    with Capture() as session:
        fixture = trunk(session)
    assert tree(fixture) == {"leaf": (1, 10, 10)}
    assert row(session, "trunk").self_ns == 3
    assert "trunk/leaf" not in tree(session)


def test_many_short_captures_in_a_long_one(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """Scopes of captures that are over are summed up, not kept."""
    with Capture() as session:
        for _ in range(500):
            with Capture() as test:
                leaf(1)
            assert tree(test) == {"leaf": (1, 1, 1)}
        assert len(session.scopes) <= 2
        assert tree(session) == {"leaf": (500, 500, 500)}
    assert tree(session) == {"leaf": (500, 500, 500)}


def test_finding_a_new_path_is_nobodys_time() -> None:
    """It takes longer than a plain call is known to cost, and is measured each time."""
    ticks = itertools.count()
    before, calibrates = ENGINE.clock, ENGINE.calibrates
    ENGINE.use_clock(ticks.__next__)

    @timestamp(name="inner")
    def inner() -> None:
        pass

    @timestamp(name="outer")
    def outer() -> None:
        inner()

    try:
        with Capture() as capture:
            outer()
            outer()
        recording = capture.recording()
    finally:
        ENGINE.use_clock(before, calibrates)
    # one tick from a start to an end, and for each new path one before its start
    assert {row.name: (row.calls, row.total_ns, row.self_ns) for row in recording.paths} == {
        "outer": (2, 6, 4),
        "inner": (2, 2, 2),
    }
    assert recording.overhead.total_ns == 2
    assert recording.overhead.freezing_ns > 0


def test_no_call_took_longer_than_the_whole(
    clock: FakeClock, leaf: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever recording's cost is taken for: some work was done where there was time."""
    kinds = ("code", "wrapper", "slow", "fold", "guarded fold")
    with Capture() as capture:
        monkeypatch.setattr(ENGINE, "costs", SpanCosts(dict.fromkeys(kinds, Cost(200, 700)), 0))
        leaf(100)
    recording = capture.recording()
    assert (row(capture, "leaf").total_ns, recording.total_ns) == (1, 1)
    assert (recording.wall_ns, recording.overhead.total_ns) == (100, 900)
