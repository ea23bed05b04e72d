"""Coroutines, tasks, and what cancels them."""

import asyncio

import pytest

from pytest_timestamps.recording import Capture, timestamp

from .support import FakeClock, row, tree


def test_awaiting_is_suspended_time(clock: FakeClock) -> None:
    """What the loop does while a coroutine waits is in neither its total nor its self time."""

    @timestamp(name="work")
    async def work() -> str:
        clock.work(3)
        await asyncio.sleep(0)
        clock.work(4)
        return "done"

    async def other() -> None:
        clock.work(100)

    async def main() -> list[object]:
        return await asyncio.gather(work(), other())

    with Capture() as capture:
        assert asyncio.run(main()) == ["done", None]
    assert tree(capture) == {"work": (1, 7, 7)}
    assert row(capture, "work").suspended_ns == 100


def test_nested_coroutines(clock: FakeClock) -> None:
    """An awaited coroutine is a child, and both are suspended together."""

    @timestamp(name="inner")
    async def inner() -> None:
        clock.work(3)
        await asyncio.sleep(0)
        clock.work(4)

    @timestamp(name="outer")
    async def outer() -> None:
        clock.work(1)
        await inner()
        clock.work(2)

    async def other() -> None:
        clock.work(100)

    async def main() -> None:
        await asyncio.gather(outer(), other())

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {"outer": (1, 10, 3), "outer/inner": (1, 7, 7)}
    assert row(capture, "outer").suspended_ns == row(capture, "outer/inner").suspended_ns == 100


def test_interleaved_tasks_of_one_function(clock: FakeClock) -> None:
    """Overlapping calls of the same name are each paired with their own start."""

    @timestamp(name="work")
    async def work(duration_ns: int) -> None:
        for _ in range(3):
            clock.work(duration_ns)
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(work(1), work(10), work(100))

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {"work": (3, 333, 333)}
    stats = row(capture, "work")
    assert (stats.min_ns, stats.max_ns) == (3, 300)
    # each waits three times for the other two, the last time without those that have ended
    assert stats.suspended_ns == 3 * 110 + (101 + 101 + 100) + (11 + 11 + 0)


def test_a_task_hangs_below_the_span_that_started_it(clock: FakeClock) -> None:
    """A task is its starter's child, beside it: its time is no part of the starter's."""

    @timestamp(name="child")
    async def child() -> None:
        clock.work(5)

    @timestamp(name="parent")
    async def parent() -> None:
        clock.work(1)
        tasks = [asyncio.create_task(child()) for _ in range(3)]
        await asyncio.gather(*tasks)
        clock.work(2)

    with Capture() as capture:
        asyncio.run(parent())
    assert tree(capture) == {"parent": (1, 3, 3), "parent/~child": (3, 15, 15)}
    assert row(capture, "parent").suspended_ns == 15


def test_a_task_group(clock: FakeClock) -> None:
    """A task group's tasks hang below the span that opened it; who failed is the error."""

    @timestamp(name="child")
    async def child(fails: bool) -> None:
        clock.work(5)
        if fails:
            raise LookupError
        await asyncio.sleep(60)

    @timestamp(name="parent")
    async def parent() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(child(False))
            group.create_task(child(True))

    with Capture() as capture, pytest.raises(ExceptionGroup):
        asyncio.run(parent())
    assert tree(capture) == {"parent": (1, 0, 0), "parent/~child": (2, 10, 10)}
    # one failed, which cancelled the other
    assert (row(capture, "parent").errors, row(capture, "parent/~child").errors) == (1, 2)


def test_a_cancelled_task(clock: FakeClock) -> None:
    """A cancelled coroutine is an error; what it does to clean up is its own time, in its place."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(2)

    @timestamp(name="inner")
    async def inner() -> None:
        clock.work(3)
        try:
            await asyncio.sleep(60)
        finally:
            clock.work(4)
            leaf()

    @timestamp(name="outer")
    async def outer() -> None:
        try:
            await inner()
        finally:
            clock.work(1)

    async def main() -> None:
        task = asyncio.create_task(outer())
        await asyncio.sleep(0)
        clock.work(100)
        task.cancel()
        await asyncio.wait([task])

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {
        "outer": (1, 10, 1),
        "outer/inner": (1, 9, 7),
        "outer/inner/leaf": (1, 2, 2),
    }
    for name in ("outer", "outer/inner"):
        stats = row(capture, name)
        assert (stats.errors, stats.suspended_ns, stats.open) == (1, 100, 0)


def test_a_cancellation_that_is_swallowed(clock: FakeClock) -> None:
    """A coroutine that survives its cancellation, and waits again, goes on as one call."""

    @timestamp(name="inner")
    async def inner() -> None:
        clock.work(3)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            clock.work(4)
            await asyncio.sleep(0)
            clock.work(5)

    @timestamp(name="outer")
    async def outer() -> None:
        await inner()
        clock.work(1)

    async def main() -> None:
        task = asyncio.create_task(outer())
        await asyncio.sleep(0)
        clock.work(100)
        task.cancel()
        await asyncio.sleep(0)
        clock.work(1_000)
        await task

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {"outer": (1, 13, 1), "outer/inner": (1, 12, 12)}
    for name in ("outer", "outer/inner"):
        stats = row(capture, name)
        assert (stats.errors, stats.suspended_ns, stats.open) == (0, 1_100, 0)


def test_an_undecorated_coroutine_cleans_up_in_its_callers_place(clock: FakeClock) -> None:
    """A cancelled coroutine that nobody decorated works for the decorated one that awaits it."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(2)

    async def plain() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            leaf()
            await asyncio.sleep(0)
            clock.work(5)

    async def between() -> None:
        await plain()

    @timestamp(name="outer")
    async def outer() -> None:
        await between()
        clock.work(1)

    async def main() -> None:
        task = asyncio.create_task(outer())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        clock.work(1_000)
        await task

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {"outer": (1, 8, 6), "outer/leaf": (1, 2, 2)}
    assert (row(capture, "outer").errors, row(capture, "outer").suspended_ns) == (0, 1_000)


def test_a_timeout(clock: FakeClock) -> None:
    """A coroutine stopped by a timeout is an error, its caller that catches it is none."""

    @timestamp(name="slow")
    async def slow() -> None:
        clock.work(3)
        await asyncio.sleep(60)

    @timestamp(name="caller")
    async def caller() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await slow()
        clock.work(2)

    with Capture() as capture:
        asyncio.run(caller())
    assert tree(capture) == {"caller": (1, 5, 2), "caller/slow": (1, 3, 3)}
    assert (row(capture, "caller").errors, row(capture, "caller/slow").errors) == (0, 1)


def test_wait_for(clock: FakeClock) -> None:
    """`wait_for` gives the same figures, whether it starts a task or not."""

    @timestamp(name="quick")
    async def quick() -> int:
        clock.work(3)
        return 7

    @timestamp(name="caller")
    async def caller() -> int:
        clock.work(2)
        return await asyncio.wait_for(quick(), timeout=60)

    with Capture() as capture:
        assert asyncio.run(caller()) == 7
    figures = {path.replace("~", ""): figure for path, figure in tree(capture).items()}
    assert figures["caller/quick"] == (1, 3, 3)
    assert figures["caller"][2] == 2


def test_a_coroutine_that_is_never_awaited(clock: FakeClock) -> None:
    """A coroutine that is made and closed unrun is no span."""

    @timestamp(name="work")
    async def work() -> None:
        clock.work(3)

    with Capture() as capture:
        work().close()
    assert tree(capture) == {}


def test_a_coroutine_driven_by_hand(clock: FakeClock) -> None:
    """No loop is needed: `send` starts and resumes like any other."""

    class Once:
        def __await__(self):  # type: ignore[no-untyped-def]
            return (yield "waiting")

    @timestamp(name="work")
    async def work() -> str:
        clock.work(3)
        got: str = await Once()
        clock.work(1)
        return got

    with Capture() as capture:
        steps = work()
        assert steps.send(None) == "waiting"
        clock.work(50)
        with pytest.raises(StopIteration) as stop:
            steps.send("value")
    assert stop.value.value == "value"
    assert tree(capture) == {"work": (1, 4, 4)}
    assert row(capture, "work").suspended_ns == 50


def test_a_task_alive_at_stop_is_open(clock: FakeClock) -> None:
    """A task that still waits at the stop is open, with the time it ran so far."""

    @timestamp(name="work")
    async def work() -> None:
        clock.work(3)
        await asyncio.sleep(60)

    async def main() -> dict[str, tuple[int, int, int]]:
        with Capture() as capture:
            task = asyncio.create_task(work())
            await asyncio.sleep(0)
            clock.work(10)
        task.cancel()
        await asyncio.wait([task])
        assert row(capture, "work").open == 1
        return tree(capture)

    assert asyncio.run(main()) == {"work": (1, 3, 3)}


def test_a_task_that_starts_its_like(clock: FakeClock) -> None:
    """A chain of tasks that restart themselves stays one path."""
    left = 50

    @timestamp(name="poll")
    async def poll(done: asyncio.Event) -> None:
        nonlocal left
        clock.work(1)
        left -= 1
        if left:
            tasks.append(asyncio.create_task(poll(done)))
        else:
            done.set()

    tasks: list[asyncio.Task[None]] = []

    async def main() -> None:
        done = asyncio.Event()
        tasks.append(asyncio.create_task(poll(done)))
        await done.wait()

    with Capture() as capture:
        asyncio.run(main())
    assert sum(calls for calls, _, _ in tree(capture).values()) == 50
    assert sum(self_ns for _, _, self_ns in tree(capture).values()) == 50
    assert len(tree(capture)) <= 2


def test_callbacks_of_the_loop(clock: FakeClock) -> None:
    """Functions called by the loop belong to the capture around it."""

    @timestamp(name="tick")
    def tick() -> None:
        clock.work(3)

    @timestamp(name="main")
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(tick)
        loop.call_later(0, tick)
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        clock.work(1)

    with Capture() as capture:
        asyncio.run(main())
    figures = tree(capture)
    assert figures["main"] == (1, 1, 1)
    assert sum(f[0] for path, f in figures.items() if path.endswith("tick")) == 2
    assert sum(f[1] for path, f in figures.items() if path.endswith("tick")) == 6


def test_a_capture_in_a_task_sees_its_task_alone(clock: FakeClock) -> None:
    """A capture that a task enters gathers that task's work, not its neighbours'."""

    @timestamp(name="work")
    async def work(duration_ns: int) -> None:
        clock.work(duration_ns)
        await asyncio.sleep(0)
        clock.work(duration_ns)

    async def watched(capture: Capture, duration_ns: int) -> None:
        with capture:
            await asyncio.sleep(0)
            await work(duration_ns)

    async def main() -> None:
        await asyncio.gather(watched(one, 1), watched(two, 10), work(100))

    one, two = Capture("one"), Capture("two")
    asyncio.run(main())
    assert tree(one) == {"work": (1, 2, 2)}
    assert tree(two) == {"work": (1, 20, 20)}


def test_a_wrapped_kind_stays_what_it_is(clock: FakeClock) -> None:
    """Coroutine functions, and their results, are recognised by inspect and asyncio."""
    import inspect

    @timestamp
    async def work() -> int:
        return 7

    assert inspect.iscoroutinefunction(work)
    with Capture():
        steps = work()
        assert inspect.iscoroutine(steps)
        assert asyncio.run(steps) == 7
