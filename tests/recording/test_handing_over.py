"""A capture that stops and has another one start in its place: as with a stop and a start."""

import asyncio
import contextvars
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.engine import ENGINE

from .support import MONITORED, FakeClock, Recycling, tree


@pytest.fixture
def leaf(clock: FakeClock) -> Callable[[int], None]:
    """A recorded function that works for as long as it is told."""

    @timestamp(name="leaf")
    def leaf(duration_ns: int = 1) -> None:
        clock.work(duration_ns)

    return leaf


@pytest.mark.parametrize("kind", [Capture, Recycling])
def test_each_has_its_own(
    clock: FakeClock, leaf: Callable[[int], None], kind: type[Capture]
) -> None:
    """Calls and times before it are the first one's, those after it the other's."""
    captures = [kind() for _ in range(4)]
    captures[0].start()
    for i, capture in enumerate(captures):
        capture.section("call")
        for _ in range(i):
            leaf(10)
        clock.work(5)
        if i < 3:
            assert capture.hand_over(captures[i + 1])
            assert (capture.running, captures[i + 1].running) == (False, True)
    captures[3].stop()
    for i, capture in enumerate(captures):
        wanted = {"call:leaf": (i, 10 * i, 10 * i)} if i else {}
        assert (tree(capture), capture.recording().wall_ns) == (wanted, 10 * i + 5)


def test_nothing_stays_switched_on(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """One start, one stop, however many it was handed over to in between."""
    first, second = Capture(), Capture()
    first.start()
    tools = sys.monitoring.get_tool(4) if MONITORED else None
    assert first.hand_over(second)
    assert ENGINE.armed
    if MONITORED:
        assert tools == sys.monitoring.get_tool(4)
    second.stop()
    assert not ENGINE.armed


def test_the_others_is_what_its_thread_calls(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """Whatever the context, as with every capture that was entered in no task."""
    first, second = Capture(), Capture()
    first.start()
    assert first.hand_over(second)
    contextvars.Context().run(leaf, 3)
    second.stop()
    assert (tree(first), tree(second)) == ({}, {"leaf": (1, 3, 3)})


def test_its_trees_are_the_others_at_once(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """A successor finds the paths that were made before, as with a start after the stop."""
    first, second = Recycling(), Recycling()
    first.start()
    leaf(1)
    roots = list(first.scopes[0].roots)
    assert first.hand_over(second)
    leaf(1)
    assert second.scopes[0].roots == roots
    second.stop()


def test_what_the_first_has_left_behind_is_not_the_others(
    clock: FakeClock, leaf: Callable[[int], None]
) -> None:
    """A copied context, a started thread and a suspended generator go on, and nobody sees it."""

    @timestamp(name="steps")
    def steps() -> Iterator[int]:
        yield 1
        leaf(3)
        yield 2

    go = threading.Event()

    def wait() -> None:
        go.wait(10)
        leaf(100)

    first, second = Capture(), Capture()
    first.start()
    leaf(1)
    context = contextvars.copy_context()
    thread = threading.Thread(target=wait)
    thread.start()
    suspended = steps()
    next(suspended)
    assert first.hand_over(second)
    go.set()
    thread.join()
    other = threading.Thread(target=context.run, args=(leaf, 1_000))
    other.start()
    other.join()
    leaf(20)
    second.stop()
    assert tree(first) == {"leaf": (1, 1, 1), "steps": (1, 0, 0)}
    assert tree(second) == {"leaf": (1, 20, 20)}
    suspended.close()


def test_what_a_suspended_generator_goes_on_to_call_is_the_others(
    clock: FakeClock, leaf: Callable[[int], None]
) -> None:
    """It runs on the stack of whoever resumes it, as after a stop and a start."""

    @timestamp(name="steps")
    def steps() -> Iterator[int]:
        yield 1
        leaf(3)
        yield 2

    found = []
    for hands_over in (True, False):
        first, second = Capture(), Capture()
        first.start()
        suspended = steps()
        next(suspended)
        if hands_over:
            assert first.hand_over(second)
        else:
            first.stop()
            second.start()
        next(suspended)
        second.stop()
        suspended.close()
        found.append((tree(first), tree(second)))
    assert found[0] == found[1]


def _entered_twice(first: Capture) -> Iterator[None]:
    with first, first:
        yield


def _not_entered(first: Capture) -> Iterator[None]:
    yield


def _inside_another(first: Capture) -> Iterator[None]:
    with Capture(), first:
        yield


def _around_another(first: Capture) -> Iterator[None]:
    with first, Capture():
        yield


def _entered_by_another_thread(first: Capture) -> Iterator[None]:
    entered, done = threading.Event(), threading.Event()

    def hold() -> None:
        with first:
            entered.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait(10)
    yield
    done.set()
    thread.join()


def test_another_thread_has_it_not_entered(clock: FakeClock) -> None:
    """Not even in a copy of its context."""
    with Capture() as first:
        answers: list[bool] = []
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=lambda: answers.append(context.run(first.hand_over, Capture()))
        )
        thread.start()
        thread.join()
        assert answers == [False]


@pytest.mark.parametrize(
    "situation",
    [
        _entered_twice,
        _not_entered,
        _inside_another,
        _around_another,
        _entered_by_another_thread,
    ],
)
def test_what_is_not_plain_is_left_as_it_is(
    clock: FakeClock, situation: Callable[[Capture], Iterator[None]]
) -> None:
    """Then there is nothing for it but to stop the one and to start the other."""
    first, second = Capture(), Capture()
    for _ in situation(first):
        running = first.running
        assert not first.hand_over(second)
        assert (first.running, second.running, second.scopes) == (running, False, [])


def test_a_timeline_begins_with_a_start(clock: FakeClock) -> None:
    """It takes more to have one."""
    with Capture() as first:
        assert not first.hand_over(Capture(timeline=True))


def test_in_a_span_it_is_not_plain(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """What is open is the first one's; it goes on."""

    @timestamp(name="trunk")
    def trunk() -> None:
        assert not first.hand_over(Capture())
        leaf(1)

    with Capture() as first:
        trunk()
    assert tree(first) == {"trunk": (1, 1, 0), "trunk/leaf": (1, 1, 1)}


def test_a_task_has_its_captures_to_itself(clock: FakeClock) -> None:
    """One that was entered in a task covers that alone, and has to be left in it."""

    async def main() -> None:
        with Capture() as first:
            assert not first.hand_over(Capture())

    asyncio.run(main())


def test_starting_over_forgets_the_wait(clock: FakeClock, leaf: Callable[[int], None]) -> None:
    """Nothing was recorded yet: it begins when the test does that it is for."""
    capture = Capture("nobody's")
    capture.start()
    clock.work(1_000)
    capture.exempt(700)
    capture.note_left_out(("before",))
    assert capture.untouched
    capture.start_over("test")
    leaf(5)
    capture.stop()
    recording = capture.recording()
    assert (recording.name, recording.wall_ns, recording.total_ns) == ("test", 5, 5)
    assert (recording.overhead.total_ns, recording.left_out) == (0, ())
