"""Asynchronous generators: iterated, sent to, thrown into, closed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pytest_timestamps.recording import Capture, timestamp, timestamp_block

from .support import MONITORED, FakeClock, row, tree


def test_iterated(clock: FakeClock) -> None:
    """Both an item's consumer and an awaited neighbour are suspended time."""

    @timestamp(name="items")
    async def items() -> AsyncIterator[int]:
        for i in range(2):
            clock.work(3)
            await asyncio.sleep(0)
            clock.work(4)
            yield i

    async def other() -> None:
        clock.work(1_000)

    async def consume() -> None:
        async for _ in items():
            clock.work(100)

    async def main() -> None:
        await asyncio.gather(consume(), other())

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {"items": (1, 14, 14)}
    stats = row(capture, "items")
    assert (stats.suspended_ns, stats.errors, stats.open) == (1_200, 0, 0)


def test_children_and_consumer(clock: FakeClock) -> None:
    """What the generator awaits is its child, what the consumer calls is the consumer's."""

    @timestamp(name="fetch")
    async def fetch() -> None:
        clock.work(2)
        await asyncio.sleep(0)

    @timestamp(name="use")
    def use() -> None:
        clock.work(7)

    @timestamp(name="items")
    async def items() -> AsyncIterator[int]:
        await fetch()
        yield 1
        await fetch()

    @timestamp(name="consume")
    async def consume() -> None:
        async for _ in items():
            use()

    with Capture() as capture:
        asyncio.run(consume())
    assert tree(capture) == {
        "consume": (1, 11, 0),
        "consume/items": (1, 4, 0),
        "consume/items/fetch": (2, 4, 4),
        "consume/use": (1, 7, 7),
    }


def test_asend(clock: FakeClock) -> None:
    """Values sent arrive, values yielded come back."""

    @timestamp(name="echo")
    async def echo() -> AsyncGenerator[str, str]:
        clock.work(1)
        got = yield "ready"
        clock.work(2)
        yield got

    async def main() -> tuple[str, str]:
        talk = echo()
        first = await talk.asend(None)  # type: ignore[arg-type]
        clock.work(10)
        second = await talk.asend("hello")
        await talk.aclose()
        return first, second

    with Capture() as capture:
        assert asyncio.run(main()) == ("ready", "hello")
    assert tree(capture) == {"echo": (1, 3, 3)}
    assert (row(capture, "echo").errors, row(capture, "echo").suspended_ns) == (0, 10)


def test_athrow_caught_and_not(clock: FakeClock) -> None:
    """An exception thrown in is an error only where the generator lets it out."""

    @timestamp(name="tough")
    async def tough() -> AsyncGenerator[str, None]:
        try:
            clock.work(1)
            yield "first"
        except LookupError:
            clock.work(2)
            yield "caught"

    async def main() -> None:
        talk = tough()
        await anext(talk)
        clock.work(10)
        assert await talk.athrow(LookupError()) == "caught"
        clock.work(20)
        with pytest.raises(OSError, match="out"):
            await talk.athrow(OSError("out"))

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {"tough": (1, 3, 3)}
    assert (row(capture, "tough").errors, row(capture, "tough").suspended_ns) == (1, 30)


def test_aclose(clock: FakeClock) -> None:
    """Closing is no error and no resumption; awaited clean-up counts."""

    @timestamp(name="items")
    async def items() -> AsyncGenerator[int, None]:
        try:
            clock.work(1)
            yield 1
        finally:
            clock.work(2)
            await asyncio.sleep(0)
            clock.work(4)

    async def main() -> None:
        made = items()
        await anext(made)
        clock.work(10)
        await made.aclose()
        clock.work(100)

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {"items": (1, 7, 7)}
    stats = row(capture, "items")
    assert (stats.errors, stats.open, stats.suspended_ns) == (0, 0, 0)


def test_left_by_break(clock: FakeClock) -> None:
    """A generator left half way is closed by the loop: one call of the time that it ran."""

    @timestamp(name="items")
    async def items() -> AsyncIterator[int]:
        try:
            for i in range(9):
                clock.work(1)
                yield i
        finally:
            clock.work(5)

    async def main() -> None:
        async for i in items():
            if i == 2:
                break
        await asyncio.sleep(0)

    with Capture() as capture:
        asyncio.run(main())
    assert sum(self_ns for _, _, self_ns in tree(capture).values()) == 8
    assert sum(calls for calls, _, _ in tree(capture).values()) == 1


def test_cancelled_while_a_generator_waits(clock: FakeClock) -> None:
    """Cancelling the consumer while the generator awaits is the error of both."""

    @timestamp(name="items")
    async def items() -> AsyncIterator[int]:
        clock.work(1)
        yield 1
        try:
            await asyncio.sleep(60)
        finally:
            clock.work(2)

    @timestamp(name="consume")
    async def consume() -> None:
        async for _ in items():
            clock.work(3)

    async def main() -> None:
        task = asyncio.create_task(consume())
        await asyncio.sleep(0)
        clock.work(100)
        task.cancel()
        await asyncio.wait([task])

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {"consume": (1, 6, 3), "consume/items": (1, 3, 3)}
    assert row(capture, "consume").errors == row(capture, "consume/items").errors == 1


def test_async_context_manager(clock: FakeClock) -> None:
    """A decorated generator below `asynccontextmanager` is suspended while the body runs."""

    @asynccontextmanager
    @timestamp(name="session")
    async def session() -> AsyncIterator[str]:
        clock.work(1)
        yield "open"
        clock.work(2)

    async def main() -> None:
        async with session() as state:
            assert state == "open"
            clock.work(10)

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {"session": (1, 3, 3)}
    assert row(capture, "session").suspended_ns == 10


def test_a_block_in_an_async_generator(clock: FakeClock) -> None:
    """A block in an undecorated asynchronous generator is suspended between items, from 3.12 on.

    On 3.11 nothing tells of that suspension, and the block covers its consumer.
    """

    async def items() -> AsyncIterator[int]:
        with timestamp_block("phase"):
            clock.work(1)
            yield 1
            clock.work(2)

    @timestamp(name="use")
    def use() -> None:
        clock.work(10)

    async def main() -> None:
        async for _ in items():
            use()

    with Capture() as capture:
        asyncio.run(main())
    if MONITORED:
        assert tree(capture) == {"phase": (1, 3, 3), "use": (1, 10, 10)}
        assert row(capture, "phase").suspended_ns == 10
    else:
        assert tree(capture) == {"phase": (1, 13, 3), "phase/use": (1, 10, 10)}
