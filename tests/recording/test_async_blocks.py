"""Blocks in coroutines that nobody decorated: suspended with them all the same."""

import asyncio
import selectors
from typing import Any

from pytest_timestamps.recording import Capture, timestamp, timestamp_block

from .support import FakeClock, row, tree


def test_a_block_in_a_coroutine(clock: FakeClock) -> None:
    """A block in an undecorated coroutine is suspended with it."""

    async def work(name: str, duration_ns: int) -> None:
        with timestamp_block(name):
            clock.work(duration_ns)
            await asyncio.sleep(0)
            clock.work(duration_ns)

    async def main() -> None:
        await asyncio.gather(work("a", 1), work("b", 10), work("a", 100))

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {"a": (2, 202, 202), "b": (1, 20, 20)}
    assert row(capture, "a").suspended_ns == 110 + 11
    assert row(capture, "b").suspended_ns == 101


def test_a_block_that_waits_several_times(clock: FakeClock) -> None:
    """A block is suspended at each of its coroutine's waits, also below a synchronous block."""

    async def work() -> None:
        with timestamp_block("phase"):
            for _ in range(3):
                clock.work(1)
                await asyncio.sleep(0)

    async def other() -> None:
        for _ in range(3):
            with timestamp_block("other"):
                clock.work(100)
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(work(), other())

    with Capture() as capture, timestamp_block("run"):
        asyncio.run(main())
    figures = {path.replace("~", ""): figure for path, figure in tree(capture).items()}
    assert figures == {
        "run": (1, 303, 0),
        "run/phase": (1, 3, 3),
        "run/other": (3, 300, 300),
    }


def test_a_block_around_an_await_of_a_decorated_coroutine(clock: FakeClock) -> None:
    """Block and coroutine are suspended and resumed together, in their order."""

    @timestamp(name="inner")
    async def inner() -> None:
        clock.work(3)
        await asyncio.sleep(0)
        clock.work(4)

    @timestamp(name="outer")
    async def outer() -> None:
        clock.work(1)
        with timestamp_block("phase"):
            clock.work(2)
            await inner()
        clock.work(5)

    async def other() -> None:
        clock.work(100)

    async def main() -> None:
        await asyncio.gather(outer(), other())

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {
        "outer": (1, 15, 6),
        "outer/phase": (1, 9, 2),
        "outer/phase/inner": (1, 7, 7),
    }
    assert {r.suspended_ns for r in capture.recording().paths} == {100}


def test_a_block_around_a_task_group(clock: FakeClock) -> None:
    """Tasks started in a block hang below it, beside it."""

    @timestamp(name="child")
    async def child() -> None:
        clock.work(5)

    async def main() -> None:
        with timestamp_block("phase"):
            clock.work(1)
            async with asyncio.TaskGroup() as group:
                group.create_task(child())
                group.create_task(child())

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {"phase": (1, 1, 1), "phase/~child": (2, 10, 10)}
    assert row(capture, "phase").suspended_ns == 10


def test_a_block_in_a_cancelled_coroutine(clock: FakeClock) -> None:
    """A block that a cancellation leaves is an error of the time that it ran."""

    async def work() -> None:
        with timestamp_block("phase"):
            clock.work(3)
            try:
                await asyncio.sleep(60)
            finally:
                clock.work(2)

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        clock.work(100)
        task.cancel()
        await asyncio.wait([task])

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {"phase": (1, 5, 5)}
    assert (row(capture, "phase").errors, row(capture, "phase").suspended_ns) == (1, 100)


def test_a_block_in_the_step_that_starts_recording(clock: FakeClock) -> None:
    """A collector that a coroutine enters knows the suspension of its very next block."""

    async def work(duration_ns: int) -> dict[str, tuple[int, int, int]]:
        with Capture() as capture:
            with timestamp_block("phase"):
                clock.work(duration_ns)
                await asyncio.sleep(0)
                clock.work(duration_ns)
            await asyncio.sleep(0)
        return tree(capture)

    async def main() -> list[dict[str, tuple[int, int, int]]]:
        return await asyncio.gather(work(1), work(10), work(100))

    assert asyncio.run(main()) == [
        {"phase": (1, 2, 2)},
        {"phase": (1, 20, 20)},
        {"phase": (1, 200, 200)},
    ]


def test_the_loops_wait_in_the_step_that_starts_recording(clock: FakeClock) -> None:
    """What the loop waits for after that step is suspended time, though nothing else runs."""

    class Waiting(selectors.DefaultSelector):
        def select(self, timeout: float | None = None) -> Any:
            if timeout is None or timeout > 0:
                clock.work(1_000)
            return super().select(timeout)

    async def main() -> Capture:
        with Capture() as capture, timestamp_block("phase"):
            clock.work(1)
            await asyncio.sleep(0.001)
            clock.work(2)
        return capture

    def new_loop() -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(Waiting())

    with asyncio.Runner(loop_factory=new_loop) as runner:
        capture = runner.run(main())
    assert tree(capture) == {"phase": (1, 3, 3)}
    assert row(capture, "phase").suspended_ns >= 1_000
