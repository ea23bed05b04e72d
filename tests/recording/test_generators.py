"""Generators: time is theirs while they run, and apart while they are suspended."""

import gc
from collections.abc import Callable, Generator, Iterator

import pytest

from pytest_timestamps.recording import Capture, timestamp

from .support import MONITORED, FakeClock, row, tree


@pytest.fixture
def count(clock: FakeClock) -> Callable[[int], Generator[int, object, str]]:
    """A generator that works 10 before each item and 5 at its end."""

    @timestamp(name="count")
    def count(n: int) -> Generator[int, object, str]:
        for i in range(n):
            clock.work(10)
            yield i
        clock.work(5)
        return "done"

    return count


def test_suspension_is_kept_apart(clock: FakeClock, count: Callable[[int], Iterator[int]]) -> None:
    """What the consumer does between items is suspended time, in neither total nor self."""
    with Capture() as capture:
        for _ in count(3):
            clock.work(100)
    assert tree(capture) == {"count": (1, 35, 35)}
    stats = row(capture, "count")
    assert (stats.suspended_ns, stats.min_ns, stats.max_ns, stats.errors) == (300, 35, 35, 0)


def test_the_consumer_is_not_the_generators_child(
    clock: FakeClock, count: Callable[[int], Iterator[int]]
) -> None:
    """What the consumer calls between items is the consumer's."""

    @timestamp(name="use")
    def use() -> None:
        clock.work(7)

    @timestamp(name="consume")
    def consume() -> None:
        for _ in count(2):
            use()

    with Capture() as capture:
        consume()
    assert tree(capture) == {
        "consume": (1, 39, 0),
        "consume/count": (1, 25, 25),
        "consume/use": (2, 14, 14),
    }


def test_a_generators_children_are_its_own(clock: FakeClock) -> None:
    """What a generator calls before and after a suspension hangs below it."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(2)

    @timestamp(name="gen")
    def gen() -> Iterator[None]:
        leaf()
        yield
        leaf()
        clock.work(1)

    with Capture() as capture:
        for _ in gen():
            clock.work(30)
    assert tree(capture) == {"gen": (1, 5, 1), "gen/leaf": (2, 4, 4)}


def test_closed_early(clock: FakeClock, count: Callable[[int], Generator[int]]) -> None:
    """A generator that is closed is one finished call without error; closing is no suspension."""
    with Capture() as capture:
        items = count(3)
        next(items)
        clock.work(100)
        items.close()
        clock.work(1_000)
    assert tree(capture) == {"count": (1, 10, 10)}
    stats = row(capture, "count")
    assert (stats.errors, stats.open, stats.suspended_ns) == (0, 0, 0)


def test_cleaning_up_when_closed_is_the_generators_time(clock: FakeClock) -> None:
    """A ``finally`` block that runs when the generator is closed counts for it."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(2)

    @timestamp(name="gen")
    def gen() -> Iterator[None]:
        try:
            clock.work(1)
            yield
        finally:
            clock.work(4)
            leaf()

    with Capture() as capture:
        items = gen()
        next(items)
        clock.work(100)
        items.close()  # type: ignore[attr-defined]
    assert tree(capture) == {"gen": (1, 7, 5), "gen/leaf": (1, 2, 2)}
    assert row(capture, "gen").errors == 0


def test_cleaning_up_is_not_the_closers_own_time(clock: FakeClock) -> None:
    """What a generator does when somebody else closes it is the generator's self time alone."""

    @timestamp(name="held")
    def held() -> Generator[None]:
        try:
            yield
        finally:
            clock.work(5)

    @timestamp(name="closer")
    def closer(generator: Generator[None]) -> None:
        clock.work(1)
        generator.close()
        clock.work(2)

    with Capture() as capture:
        generator = held()
        next(generator)
        closer(generator)
    assert tree(capture) == {"held": (1, 5, 5), "closer": (1, 8, 3)}


def test_never_started(clock: FakeClock, count: Callable[[int], Generator[int]]) -> None:
    """A generator that is made and never run is no span."""
    with Capture() as capture:
        count(3)
        count(3).close()
    assert tree(capture) == {}


def test_abandoned(clock: FakeClock, count: Callable[[int], Generator[int]]) -> None:
    """A generator that is dropped half way is one finished call of the time it ran."""
    with Capture() as capture:
        for _ in count(3):
            clock.work(100)
            break
        gc.collect()
        clock.work(1_000)
        for _ in count(1):
            pass
    assert tree(capture) == {"count": (2, 25, 25)}
    stats = row(capture, "count")
    assert (stats.min_ns, stats.max_ns, stats.errors) == (10, 15, 0)


def test_suspended_at_stop_is_open(
    clock: FakeClock, count: Callable[[int], Generator[int]]
) -> None:
    """A generator that is still suspended at the stop is open, with the time it ran."""
    with Capture() as capture:
        items = count(3)
        next(items)
        clock.work(100)
    items.close()
    assert tree(capture) == {"count": (1, 10, 10)}
    assert row(capture, "count").open == 1


def test_thrown_into_and_caught(clock: FakeClock) -> None:
    """A generator that catches what is thrown into it goes on, without error."""

    @timestamp(name="gen")
    def gen() -> Iterator[str]:
        try:
            clock.work(1)
            yield "first"
        except LookupError:
            clock.work(2)
            yield "caught"
        clock.work(4)

    with Capture() as capture:
        items = gen()
        next(items)
        clock.work(100)
        assert items.throw(LookupError()) == "caught"  # type: ignore[attr-defined]
        clock.work(200)
        assert list(items) == []
    assert tree(capture) == {"gen": (1, 7, 7)}
    assert (row(capture, "gen").errors, row(capture, "gen").suspended_ns) == (0, 300)


def test_thrown_into_and_not_caught(
    clock: FakeClock, count: Callable[[int], Generator[int]]
) -> None:
    """An exception that leaves the generator into which it was thrown is its error."""
    with Capture() as capture:
        items = count(3)
        next(items)
        clock.work(100)
        with pytest.raises(LookupError):
            items.throw(LookupError())
        clock.work(1_000)
    assert tree(capture) == {"count": (1, 10, 10)}
    assert (row(capture, "count").errors, row(capture, "count").suspended_ns) == (1, 100)


def test_a_generator_that_raises(clock: FakeClock) -> None:
    """An exception on the way is an error, and ends the call."""

    @timestamp(name="gen")
    def gen() -> Iterator[int]:
        clock.work(3)
        yield 1
        clock.work(4)
        raise LookupError

    with Capture() as capture:
        with pytest.raises(LookupError):
            list(gen())
        clock.work(10)
    assert tree(capture) == {"gen": (1, 7, 7)}
    assert row(capture, "gen").errors == 1


def test_sent_values_and_results_arrive(clock: FakeClock) -> None:
    """`send`, the yielded values and the return value are what they are without recording."""

    @timestamp(name="echo")
    def echo() -> Generator[object, object, str]:
        got = yield "ready"
        while got is not None:
            got = yield got
        return "over"

    with Capture():
        talk = echo()
        assert next(talk) == "ready"
        assert talk.send("a") == "a"
        with pytest.raises(StopIteration) as stop:
            talk.send(None)
    assert stop.value.value == "over"


def test_yield_from(clock: FakeClock, count: Callable[[int], Generator[int, object, str]]) -> None:
    """A delegated generator is a child; both are suspended while the consumer works."""

    @timestamp(name="chain")
    def chain() -> Generator[int, object, str]:
        clock.work(1)
        word = yield from count(2)
        clock.work(2)
        return word

    with Capture() as capture:
        for _ in chain():
            clock.work(100)
    assert tree(capture) == {"chain": (1, 28, 3), "chain/count": (1, 25, 25)}
    assert row(capture, "chain").suspended_ns == row(capture, "chain/count").suspended_ns == 200


def test_closing_a_delegating_generator(
    clock: FakeClock, count: Callable[[int], Generator[int, object, str]]
) -> None:
    """Closing the outer generator ends the inner one too, neither as an error."""

    @timestamp(name="chain")
    def chain() -> Generator[int, object, str]:
        clock.work(1)
        return (yield from count(2))

    with Capture() as capture:
        items = chain()
        next(items)
        clock.work(100)
        items.close()
        clock.work(100)
    assert tree(capture) == {"chain": (1, 11, 1), "chain/count": (1, 10, 10)}
    assert row(capture, "chain").errors == row(capture, "chain/count").errors == 0


def test_recursive_generators(clock: FakeClock) -> None:
    """A generator that delegates to its own kind counts its total time once."""

    @timestamp(name="walk")
    def walk(depth: int) -> Iterator[int]:
        clock.work(1)
        yield depth
        if depth:
            yield from walk(depth - 1)
        clock.work(1)

    with Capture() as capture:
        for _ in walk(2):
            clock.work(10)
    calls, total_ns, self_ns = tree(capture)["walk"]
    assert (calls, total_ns, self_ns) == (3, 6, 6)


def test_two_generators_in_turns(
    clock: FakeClock, count: Callable[[int], Generator[int, object, str]]
) -> None:
    """Interleaved generators of one function are told apart."""
    with Capture() as capture:
        for _ in zip(count(2), count(2), strict=True):
            clock.work(100)
    assert tree(capture) == {"count": (2, 50, 50)}
    # each waits for the other's 10 and twice for the consumer; the second also for the 5 at the end
    assert row(capture, "count").suspended_ns == 2 * 100 + 2 * 10 + 2 * 100 + 10 + 5


def test_a_generator_that_outlives_its_maker(clock: FakeClock) -> None:
    """A generator advanced by another function than started it hangs below its starter."""

    @timestamp(name="gen")
    def gen() -> Iterator[int]:
        clock.work(1)
        yield 1
        clock.work(2)
        yield 2

    @timestamp(name="start")
    def start() -> Iterator[int]:
        items = gen()
        next(items)
        return items

    @timestamp(name="go_on")
    def go_on(items: Iterator[int]) -> None:
        clock.work(10)
        next(items)

    with Capture() as capture:
        items = start()
        go_on(items)
        items.close()  # type: ignore[attr-defined]
    figures = tree(capture)
    assert sum(self_ns for _, _, self_ns in figures.values()) == 13
    assert figures["go_on"][2] == 10
    assert sum(figures[p][0] for p in figures if p.endswith("gen")) == 1
    assert sum(figures[p][2] for p in figures if p.endswith("gen")) == 3


def test_a_generator_made_before_and_finished_after(
    clock: FakeClock, count: Callable[[int], Generator[int, object, str]]
) -> None:
    """A generator that ran before the start is no call here, and disturbs nobody."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(2)

    items = count(3)
    next(items)
    with Capture() as capture:
        leaf()
        next(items)
        leaf()
        assert next(items) == 2
    assert list(items) == []
    assert tree(capture) == {"leaf": (2, 4, 4)}


def test_a_generator_expression_consumer(clock: FakeClock) -> None:
    """Calls made by a generator expression belong to the function that drives it."""

    @timestamp(name="leaf")
    def leaf(n: int) -> int:
        clock.work(n)
        return n

    @timestamp(name="trunk")
    def trunk() -> int:
        return sum(leaf(n) for n in (1, 2, 3))

    with Capture() as capture:
        assert trunk() == 6
    assert tree(capture) == {"trunk": (1, 6, 0), "trunk/leaf": (3, 6, 6)}


def test_closing_what_it_drove_wakes_no_generator(clock: FakeClock) -> None:
    """One that has driven another, and then yielded itself, doesn't wait for it any more."""
    driven: list[Generator[None, None, None]] = []

    @timestamp(name="driven")
    def inner() -> Generator[None, None, None]:
        try:
            yield
        finally:
            clock.work(5)

    @timestamp(name="driver")
    def outer() -> Generator[None, None, None]:
        driven.append(inner())
        next(driven[0])
        clock.work(1)
        yield
        clock.work(1)

    with Capture() as capture:
        driver = outer()
        next(driver)
        clock.work(100)
        driven[0].close()
        assert list(driver) == []
    assert tree(capture)["driver"][:2] == (1, 2)


def test_a_generator_in_a_cycle_ends_once(
    clock: FakeClock, count: Callable[[int], Iterator[int]]
) -> None:
    """Though what a collection finalizes first may be what keeps its time."""

    class Cycle:
        generator: Iterator[int]
        itself: object

    if MONITORED:
        # what one closes in the midst of a callback isn't told
        gc.disable()
    try:
        with Capture() as capture:
            for _ in range(100):
                cycle = Cycle()
                cycle.generator, cycle.itself = count(3), cycle
                assert next(cycle.generator) == 0
            del cycle
            gc.collect()
    finally:
        gc.enable()
    assert row(capture, "count")[4:7] == (100, 0, 0)
