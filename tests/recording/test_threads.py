"""Work in other threads: started threads, pools, `to_thread`, timers, loops of their own."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.activation import GUARD
from pytest_timestamps.recording.compiled import COMPILED
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.lane import Lane
from pytest_timestamps.recording.tree import NOWHERE, Node

from .support import FakeClock, row, tree


@pytest.fixture
def leaf(clock: FakeClock) -> Callable[..., None]:
    """A recorded function that works for as long as it is told."""

    @timestamp(name="leaf")
    def leaf(duration_ns: int = 1) -> None:
        clock.work(duration_ns)

    return leaf


def run(target: Callable[..., object], *args: object) -> None:
    """Run ``target`` in a thread of its own, to its end."""
    thread = threading.Thread(target=target, args=args)
    thread.start()
    thread.join()


def test_a_thread_hangs_below_who_started_it(clock: FakeClock, leaf: Callable[..., None]) -> None:
    """A thread's calls are children of the starting span, beside it."""

    @timestamp(name="spawn")
    def spawn() -> None:
        clock.work(1)
        run(leaf, 10)

    with Capture() as capture:
        spawn()
        spawn()
    # the starter waits for the thread, so the time is in its own as well
    assert tree(capture) == {"spawn": (2, 22, 22), "spawn/~leaf": (2, 20, 20)}


def test_a_thread_started_at_the_top(clock: FakeClock, leaf: Callable[..., None]) -> None:
    """A thread that no span started belongs to the capture directly."""
    with Capture() as capture:
        run(leaf, 10)
    assert tree(capture) == {"leaf": (1, 10, 10)}


def test_threads_in_threads(clock: FakeClock, leaf: Callable[..., None]) -> None:
    """A thread's thread hangs below the span that started it."""

    @timestamp(name="inner")
    def inner() -> None:
        run(leaf, 1)

    @timestamp(name="outer")
    def outer() -> None:
        run(inner)

    with Capture() as capture:
        outer()
    assert {path: f[0] for path, f in tree(capture).items()} == {
        "outer": 1,
        "outer/~inner": 1,
        "outer/~inner/~leaf": 1,
    }


def test_a_pool(clock: FakeClock, leaf: Callable[..., None]) -> None:
    """Each job belongs to the span that submitted it, whoever's thread runs it."""

    @timestamp(name="first")
    def first(pool: ThreadPoolExecutor) -> None:
        pool.submit(leaf, 1).result()

    @timestamp(name="second")
    def second(pool: ThreadPoolExecutor) -> None:
        for future in [pool.submit(leaf, 10) for _ in range(3)]:
            future.result()

    with Capture() as capture, ThreadPoolExecutor(1) as pool:
        first(pool)
        second(pool)
        list(pool.map(leaf, [100, 100]))
    assert tree(capture)["first/~leaf"] == (1, 1, 1)
    assert tree(capture)["second/~leaf"] == (3, 30, 30)
    assert tree(capture)["leaf"] == (2, 200, 200)


def test_a_pool_that_was_there_before(clock: FakeClock, leaf: Callable[..., None]) -> None:
    """Jobs are recorded in workers that started before the capture, and not after its stop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(leaf, 1_000).result()
        with Capture() as capture:
            pool.submit(leaf, 1).result()
        pool.submit(leaf, 1_000).result()
        with Capture() as later:
            pool.submit(leaf, 10).result()
    assert tree(capture) == {"leaf": (1, 1, 1)}
    assert tree(later) == {"leaf": (1, 10, 10)}


def test_a_job_that_raises(clock: FakeClock) -> None:
    """A job's exception is its function's error, and reaches who asks for the result."""

    @timestamp(name="bad")
    def bad() -> None:
        clock.work(3)
        raise LookupError

    with Capture() as capture, ThreadPoolExecutor(1) as pool:
        future = pool.submit(bad)
        with pytest.raises(LookupError):
            future.result()
    assert tree(capture) == {"bad": (1, 3, 3)}
    assert row(capture, "bad").errors == 1


def test_to_thread_and_run_in_executor(clock: FakeClock, leaf: Callable[..., None]) -> None:
    """Both hang below the coroutine that awaits them, which is suspended meanwhile."""

    @timestamp(name="main")
    async def main() -> None:
        await asyncio.to_thread(leaf, 1)
        await asyncio.get_running_loop().run_in_executor(None, leaf, 10)

    with Capture() as capture:
        asyncio.run(main())
    assert {path: f[:2] for path, f in tree(capture).items() if "leaf" in path} == {
        "main/~leaf": (2, 11)
    }
    assert row(capture, "main").total_ns + row(capture, "main").suspended_ns == 11


def test_a_timer(clock: FakeClock, leaf: Callable[..., None]) -> None:
    """A timer's function belongs to the span that started the timer."""

    @timestamp(name="spawn")
    def spawn() -> None:
        timer = threading.Timer(0, leaf, args=(5,))
        timer.start()
        timer.join()

    with Capture() as capture:
        spawn()
    assert tree(capture)["spawn/~leaf"] == (1, 5, 5)


def test_a_loop_in_a_thread(clock: FakeClock) -> None:
    """Coroutines of a loop in a thread hang below who started the thread."""

    @timestamp(name="work")
    async def work() -> None:
        clock.work(1)
        await asyncio.sleep(0)
        clock.work(2)

    async def main() -> None:
        await asyncio.gather(work(), work())

    @timestamp(name="spawn")
    def spawn() -> None:
        run(lambda: asyncio.run(main()))

    with Capture() as capture:
        spawn()
    assert tree(capture)["spawn/~work"] == (2, 6, 6)


def test_a_loop_in_a_thread_inside_a_running_loop(clock: FakeClock) -> None:
    """A coroutine may run a second loop in a thread: each keeps its own place."""

    @timestamp(name="inner")
    async def inner() -> None:
        clock.work(1)
        await asyncio.sleep(0)
        clock.work(2)

    @timestamp(name="outer")
    async def outer() -> None:
        clock.work(10)
        await asyncio.to_thread(asyncio.run, inner())
        clock.work(20)

    with Capture() as capture:
        asyncio.run(outer())
    assert tree(capture)["outer/~inner"] == (1, 3, 3)
    assert row(capture, "outer").total_ns + row(capture, "outer").suspended_ns == 33
    assert row(capture, "outer").calls == 1


def test_call_soon_threadsafe(clock: FakeClock, leaf: Callable[..., None]) -> None:
    """A coroutine handed to a loop in another thread belongs to the capture all the same."""

    @timestamp(name="work")
    async def work() -> int:
        leaf(3)
        return 7

    loop = asyncio.new_event_loop()
    with Capture() as capture:
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        assert asyncio.run_coroutine_threadsafe(work(), loop).result(10) == 7
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
    loop.close()
    assert tree(capture) == {"work": (1, 3, 0), "work/leaf": (1, 3, 3)}


def test_a_context_copied_by_hand(clock: FakeClock, leaf: Callable[..., None]) -> None:
    """A context that is copied into a thread takes the capture along."""
    with Capture() as capture:
        context = contextvars.copy_context()
        run(context.run, leaf, 10)
        leaf(1)
    assert tree(capture) == {"leaf": (2, 11, 11)}


def test_one_context_in_two_threads_by_turns(clock: FakeClock, leaf: Callable[..., None]) -> None:
    """A context that wanders between threads writes on the stack of the thread that it is in."""
    with Capture() as capture:
        context = contextvars.copy_context()
        for duration_ns in (1, 10, 100):
            run(context.run, leaf, duration_ns)
            context.run(leaf, 1_000 * duration_ns)
    assert tree(capture) == {"leaf": (6, 111_111, 111_111)}


def test_a_context_from_before_runs_below_the_capture(
    clock: FakeClock, leaf: Callable[..., None]
) -> None:
    """Work in a context that knows nothing of the capture on its own stack is seen by it."""
    context = contextvars.copy_context()
    with Capture() as capture:
        context.run(leaf, 1)

        @timestamp(name="trunk")
        def trunk() -> None:
            context.run(leaf, 10)

        trunk()
    assert tree(capture) == {
        "leaf": (1, 1, 1),
        "trunk": (1, 10, 0),
        "trunk/leaf": (1, 10, 10),
    }


def test_a_copied_context_that_outlives_the_capture(
    clock: FakeClock, leaf: Callable[..., None]
) -> None:
    """A context copied inside a capture records nothing once that has stopped."""
    with Capture() as capture:
        context = contextvars.copy_context()
    context.run(leaf, 10)
    with Capture() as later:
        context.run(leaf, 1)
    assert tree(capture) == {}
    assert tree(later) == {"leaf": (1, 1, 1)}


def test_a_thread_that_outlives_the_capture(clock: FakeClock, leaf: Callable[..., None]) -> None:
    """What a thread does after the stop is recorded no more; what is open then is open."""
    started, go_on = threading.Event(), threading.Event()

    @timestamp(name="work")
    def work() -> None:
        leaf(1)
        started.set()
        assert go_on.wait(10)
        leaf(1_000)

    thread = threading.Thread(target=work)
    with Capture() as capture:
        thread.start()
        assert started.wait(10)
        clock.work(5)
    go_on.set()
    thread.join()
    assert tree(capture) == {"work": (1, 6, 5), "work/leaf": (1, 1, 1)}
    assert row(capture, "work").open == 1


def test_threads_at_the_same_time_lose_no_call() -> None:
    """Calls from several threads at once are counted to the last one."""

    @timestamp(name="leaf")
    def leaf() -> None:
        pass

    def work() -> None:
        barrier.wait(10)
        for _ in range(2_000):
            leaf()

    barrier = threading.Barrier(4)
    with Capture() as capture:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert row(capture, "leaf").calls == 8_000


def test_many_threads_share_few_lanes(clock: FakeClock, leaf: Callable[..., None]) -> None:
    """Threads that come and go leave as many lanes as ran at one time."""
    with Capture() as capture:
        for _ in range(200):
            run(leaf, 1)
        assert len(ENGINE.lanes.in_use) + len(ENGINE.lanes.spare) <= 4
        assert sum(len(scope.roots) for scope in capture.scopes) <= 4
    assert tree(capture) == {"leaf": (200, 200, 200)}


def test_a_span_that_ends_while_its_capture_stops_counts_once(
    clock: FakeClock, leaf: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread goes on between the look at what is open and adding up."""
    opened, released = threading.Event(), threading.Event()

    @timestamp(name="held")
    def held() -> None:
        leaf(3)
        opened.set()
        released.wait(10)

    thread = threading.Thread(target=held)

    def go_on() -> None:
        released.set()
        thread.join()

    with Capture() as capture:
        thread.start()
        opened.wait(10)
        monkeypatch.setattr(ENGINE, "look_at_costs", go_on)
    stats = row(capture, "held")
    assert (stats.calls, stats.open, stats.total_ns) == (1, 0, 3)


def test_a_span_that_stays_open_counts_beside_those_that_ended(clock: FakeClock) -> None:
    """However many of its path have ended before."""

    @timestamp(name="held")
    def held(stop: bool) -> None:
        clock.work(3)
        if stop:
            capture.stop()

    capture = Capture()
    capture.start()
    for stop in (False, False, True):
        held(stop)
    stats = row(capture, "held")
    assert (stats.calls, stats.open, stats.total_ns) == (3, 1, 9)


@pytest.mark.skipif(COMPILED, reason="no class of Python's may inherit from a compiled one")
def test_a_snapshot_meets_a_stack_that_changes_its_form() -> None:
    """Another thread may guard its stack between any two looks at it."""

    class Changing(Lane):
        """Plain at the first look, guarded at the second."""

        looks = iter((NOWHERE, GUARD))

        @property
        def top(self) -> Node:  # type: ignore[override]
            return next(self.looks)

        @top.setter
        def top(self, node: Node) -> None:
            pass

    lane = Changing(lambda: 0, lambda *_: None)
    assert lane.open_spans(0) == []
