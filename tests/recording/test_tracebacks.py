"""An exception's traceback is the undecorated function's, however it is recorded."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from pytest_timestamps.recording import Capture, timestamp


def plain(depth: int) -> None:
    if depth:
        plain(depth - 1)
    raise LookupError


def generator(depth: int) -> Iterator[int]:
    try:
        yield depth
    except KeyError as error:
        raise ValueError from error
    raise LookupError


def delegating(depth: int) -> Iterator[int]:
    yield from generator(depth)


async def coroutine(depth: int) -> None:
    if depth:
        await asyncio.sleep(0)
    raise LookupError


async def awaiting(depth: int) -> None:
    await coroutine(depth)


async def async_generator(depth: int) -> AsyncIterator[int]:
    try:
        yield depth
    except KeyError as error:
        raise ValueError from error
    raise LookupError


def throw(items: Any) -> None:
    """Throw into it once it is suspended."""
    next(items)
    items.throw(KeyError())


async def drain(items: AsyncIterator[int]) -> None:
    """Take all there is."""
    async for _ in items:
        pass


async def athrow(items: Any) -> None:
    """Throw into an asynchronous generator once it is suspended."""
    await anext(items)
    await items.athrow(KeyError())


async def cancel(function: Callable[[int], Any]) -> None:
    """Cancel a task that waits."""
    task = asyncio.ensure_future(function(1))
    await asyncio.sleep(0)
    task.cancel()
    await task


USES: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "a call": (plain, lambda f: f(0)),
    "a recursive call": (plain, lambda f: f(2)),
    "wrong arguments": (plain, lambda f: f()),
    "a generator": (generator, lambda f: list(f(1))),
    "a generator that delegates": (delegating, lambda f: list(f(1))),
    "a throw": (generator, lambda f: throw(f(1))),
    "a throw into what is delegated to": (delegating, lambda f: throw(f(1))),
    "a coroutine that never waits": (coroutine, lambda f: asyncio.run(f(0))),
    "a coroutine that waits": (coroutine, lambda f: asyncio.run(f(1))),
    "a coroutine that awaits": (awaiting, lambda f: asyncio.run(f(1))),
    "a cancelled coroutine": (coroutine, lambda f: asyncio.run(cancel(f))),
    "an asynchronous generator": (async_generator, lambda f: asyncio.run(drain(f(1)))),
    "a throw into one": (async_generator, lambda f: asyncio.run(athrow(f(1)))),
}


def frames(error: BaseException | None) -> list[tuple[str, int | None]]:
    """Names and lines."""
    if error is None:
        return []
    return [(frame.name, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]


def seen(use: Callable[[Any], Any], function: Any) -> list[Any]:
    """The exception's kind, its frames, and those of its cause."""
    try:
        use(function)
    except BaseException as error:
        return [type(error), frames(error), frames(error.__cause__)]
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("name", [None, "named", "named by {depth}"])
@pytest.mark.parametrize("what", USES)
def test_a_traceback_shows_no_frame_of_ours(what: str, name: str | None) -> None:
    """While nothing gathers, and while something does."""
    function, use = USES[what]
    expected = seen(use, function)
    kind: Any = type(function)
    copy = kind(function.__code__.replace(), globals(), function.__name__)
    recorded = timestamp(copy, name=name)
    assert seen(use, recorded) == expected
    with Capture():
        assert seen(use, recorded) == expected
