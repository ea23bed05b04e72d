"""`timestamp_block`: parts of functions, wherever the body is suspended."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager

import pytest

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError
from pytest_timestamps.recording import Capture, timestamp, timestamp_block

from .support import MONITORED, FakeClock, row, tree


def test_a_block_is_a_span(clock: FakeClock) -> None:
    """Blocks nest in functions and in each other."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(3)

    with Capture() as capture, timestamp_block("outer"):
        clock.work(1)
        with timestamp_block("inner"):
            leaf()
        leaf()
    assert tree(capture) == {
        "outer": (1, 7, 1),
        "outer/inner": (1, 3, 0),
        "outer/inner/leaf": (1, 3, 3),
        "outer/leaf": (1, 3, 3),
    }


def test_a_block_that_raises(clock: FakeClock) -> None:
    """A block that an exception leaves is an error, and lets it through."""

    def interrupted() -> None:
        with timestamp_block("phase"):
            clock.work(3)
            raise KeyboardInterrupt

    with Capture() as capture, pytest.raises(KeyboardInterrupt):
        interrupted()
    assert tree(capture) == {"phase": (1, 3, 3)}
    assert row(capture, "phase").errors == 1


def test_recursive_blocks(clock: FakeClock) -> None:
    """A block below its own name counts its total once."""
    with Capture() as capture, timestamp_block("phase"):
        clock.work(1)
        with timestamp_block("phase"):
            clock.work(2)
    assert tree(capture) == {"phase": (2, 3, 3)}


def test_one_block_object_used_again_and_nested(clock: FakeClock) -> None:
    """A block object may be kept, used again, and entered while it is entered."""
    phase = timestamp_block("phase")
    with Capture() as capture:
        for _ in range(2):
            with phase:
                clock.work(1)
                with phase:
                    clock.work(2)
    assert tree(capture) == {"phase": (4, 6, 6)}


def test_as_a_decorator(clock: FakeClock) -> None:
    """As a decorator it names the function, braces taken literally."""

    @timestamp_block("load {all}")
    def load() -> int:
        clock.work(3)
        return 7

    with Capture() as capture:
        assert load() == 7
    assert tree(capture) == {"load {all}": (1, 3, 3)}


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (3, ArgumentTypeError, "a timestamp_block must be named by a string, got int: 3"),
        ([], ArgumentTypeError, "a timestamp_block must be named by a string, got list: []"),
        ("", ArgumentError, "a timestamp_block must have a name, got an empty string"),
    ],
)
def test_bad_names(name: object, error: type[Exception], message: str) -> None:
    """A name that can't be one is refused at once, with what was seen."""
    with pytest.raises(error) as caught:
        timestamp_block(name)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_entered_before_the_start(clock: FakeClock) -> None:
    """A block that is open when a capture starts is no span there, and disturbs nothing."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(3)

    capture = Capture()
    with timestamp_block("phase"):
        capture.start()
        leaf()
    leaf()
    capture.stop()
    assert tree(capture) == {"leaf": (2, 6, 6)}


def test_left_after_the_stop(clock: FakeClock) -> None:
    """A block that is open at the stop is open there, and its end is nobody's."""
    capture = Capture()
    capture.start()
    with timestamp_block("phase"):
        clock.work(3)
        capture.stop()
        clock.work(100)
    assert tree(capture) == {"phase": (1, 3, 3)}
    assert row(capture, "phase").open == 1


def test_in_a_generator(clock: FakeClock) -> None:
    """A block in an undecorated generator is suspended with it, from 3.12 on.

    On 3.11 nothing tells of that suspension, and the block covers its consumer.
    """

    def items() -> Iterator[int]:
        with timestamp_block("phase"):
            clock.work(1)
            yield 1
            clock.work(2)

    with Capture() as capture:
        for _ in items():
            clock.work(100)
    if MONITORED:
        assert tree(capture) == {"phase": (1, 3, 3)}
        assert row(capture, "phase").suspended_ns == 100
    else:
        assert tree(capture) == {"phase": (1, 103, 103)}


def test_in_a_decorated_generator(clock: FakeClock) -> None:
    """A block in a decorated generator is suspended with it, on every version."""

    @timestamp(name="items")
    def items() -> Iterator[int]:
        clock.work(10)
        with timestamp_block("phase"):
            clock.work(1)
            yield 1
            clock.work(2)
        clock.work(20)

    @timestamp(name="use")
    def use() -> None:
        clock.work(100)

    with Capture() as capture:
        for _ in items():
            use()
    assert tree(capture) == {
        "items": (1, 33, 30),
        "items/phase": (1, 3, 3),
        "use": (1, 100, 100),
    }
    assert row(capture, "items/phase").suspended_ns == 100


def test_two_generators_with_open_blocks(clock: FakeClock) -> None:
    """Blocks of interleaved decorated generators are told apart."""

    @timestamp(name="items")
    def items(duration_ns: int) -> Iterator[int]:
        with timestamp_block("phase"):
            for i in range(2):
                clock.work(duration_ns)
                yield i

    with Capture() as capture:
        list(zip(items(1), items(10), strict=True))
    assert tree(capture) == {"items": (2, 22, 0), "items/phase": (2, 22, 22)}
    assert (row(capture, "items/phase").min_ns, row(capture, "items/phase").max_ns) == (2, 20)


def test_around_the_use_of_a_generator(clock: FakeClock) -> None:
    """A consumer's block stays open while the generator comes and goes."""

    @timestamp(name="items")
    def items() -> Iterator[int]:
        clock.work(1)
        yield 1
        clock.work(2)

    @timestamp(name="consume")
    def consume() -> None:
        made = items()
        next(made)
        with timestamp_block("phase"):
            clock.work(10)
            list(made)
        clock.work(20)

    with Capture() as capture:
        consume()
    assert tree(capture)["consume"] == (1, 33, 20)
    assert tree(capture)["consume/phase"] == (1, 12, 10)


def test_in_a_context_manager(clock: FakeClock) -> None:
    """A block in a `contextmanager` covers the caller's body."""

    @contextmanager
    def session() -> Iterator[None]:
        with timestamp_block("session"):
            clock.work(1)
            yield
            clock.work(2)

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(10)

    with Capture() as capture:
        with session():
            leaf()
            clock.work(100)
        leaf()
    assert tree(capture) == {
        "session": (1, 113, 103),
        "session/leaf": (1, 10, 10),
        "leaf": (1, 10, 10),
    }


def test_in_a_context_manager_whose_body_raises(clock: FakeClock) -> None:
    """What leaves the body is the block's error."""

    @contextmanager
    def session() -> Iterator[None]:
        with timestamp_block("session"):
            yield

    def work() -> None:
        with session():
            clock.work(3)
            raise LookupError

    with Capture() as capture, pytest.raises(LookupError):
        work()
    assert tree(capture) == {"session": (1, 3, 3)}
    assert row(capture, "session").errors == 1


def test_in_context_managers_on_an_exit_stack(clock: FakeClock) -> None:
    """Blocks of context managers that outlive the function that entered them go on."""

    @contextmanager
    def session(name: str) -> Iterator[None]:
        with timestamp_block(name):
            yield

    @timestamp(name="enter")
    def enter(stack: ExitStack) -> None:
        clock.work(1)
        stack.enter_context(session("a"))
        stack.enter_context(session("b"))
        clock.work(2)

    with Capture() as capture:
        with ExitStack() as stack:
            enter(stack)
            clock.work(10)
        clock.work(100)
    figures = tree(capture)
    assert figures["enter"] == (1, 3, 1)
    assert sum(self_ns for _, _, self_ns in figures.values()) == 13
    assert sum(f[0] for path, f in figures.items() if path.endswith("/a") or path == "a") == 1
    assert row(capture, "a").calls == row(capture, "a/b").calls == 1


@pytest.mark.parametrize("through_stack", [False, True])
def test_in_a_context_manager_around_an_await(clock: FakeClock, through_stack: bool) -> None:
    """Where the body is a coroutine's, the block is suspended with that coroutine."""

    @contextmanager
    def session() -> Iterator[None]:
        with timestamp_block("session"):
            yield

    async def work() -> None:
        with ExitStack() as stack:
            if through_stack:
                stack.enter_context(session())
                clock.work(1)
                await asyncio.sleep(0)
                clock.work(2)
                return
        with session():
            clock.work(1)
            await asyncio.sleep(0)
            clock.work(2)

    async def other() -> None:
        clock.work(100)

    async def main() -> None:
        await asyncio.gather(work(), other())

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {"session": (1, 3, 3)}
    assert row(capture, "session").suspended_ns == 100


@pytest.mark.parametrize("through_stack", [False, True])
def test_in_an_async_context_manager(clock: FakeClock, through_stack: bool) -> None:
    """A block in an `asynccontextmanager` covers the body, and is suspended with it."""

    @asynccontextmanager
    async def session() -> AsyncIterator[None]:
        with timestamp_block("session"):
            clock.work(1)
            yield
            clock.work(2)

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(5)

    async def body() -> None:
        leaf()
        await asyncio.sleep(0)
        clock.work(10)

    async def work() -> None:
        if through_stack:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(session())
                await body()
        else:
            async with session():
                await body()

    async def other() -> None:
        clock.work(100)

    async def main() -> None:
        await asyncio.gather(work(), other())

    with Capture() as capture:
        asyncio.run(main())
    assert tree(capture) == {"session": (1, 18, 13), "session/leaf": (1, 5, 5)}
    assert row(capture, "session").suspended_ns == 100
