"""Generators and coroutines whose calls are counted, and of which a sample is timed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from pytest_timestamps.recording import Capture, timestamp, timestamp_block
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.marks import MARKS
from pytest_timestamps.recording.overhead import Cost, SpanCosts
from pytest_timestamps.recording.thinned import Thinned
from pytest_timestamps.recording.thinning import Thinning

from .support import MONITORED, FakeClock, row, tree
from .thinned import KINDS, Thin, admitted, is_thinned, site_of

# A sample of them


def test_one_of_the_sample_is_timed_from_its_first_step_to_its_last(
    clock: FakeClock, thin: Thin
) -> None:
    """The rest has its mean, suspended time too; the caller's own time is rid of all of it."""

    @timestamp(name="numbers")
    def numbers() -> Iterator[int]:
        for number in range(3):
            clock.work(10)
            yield number

    @timestamp(name="caller")
    def caller() -> None:
        for _ in range(1_000):
            for _ in numbers():
                clock.work(1)

    thinned = thin(numbers, 10)
    with Capture() as capture:
        caller()
    stats = row(capture, "caller/numbers")
    assert (stats.calls, stats.errors, stats.open, stats.untimed) == (1_000, 0, 0, 0)
    assert 60 <= stats.calls - stats.estimated <= 140
    assert (stats.total_ns, stats.self_ns, stats.suspended_ns) == (30_000, 30_000, 3_000)
    assert (stats.min_ns, stats.max_ns) == (30, 30)
    assert tree(capture)["caller"] == (1, 33_000, 3_000)
    assert (thinned.open, thinned.frames) == (0, set() if MONITORED else None)


@pytest.mark.parametrize("rate", [1, 2, 7, None])
def test_steps_of_others_are_told_apart_from_the_samples(
    clock: FakeClock, thin: Thin, rate: int | None
) -> None:
    """Whichever of those that take turns is in the sample."""

    @timestamp(name="numbers")
    def numbers(step_ns: int) -> Iterator[int]:
        for number in range(4):
            clock.work(step_ns)
            yield number

    thin(numbers, rate)
    with Capture() as capture, timestamp_block("caller"):
        for _ in range(50):
            for _ in zip(numbers(10), numbers(10), numbers(10), strict=True):
                clock.work(5)
    stats = row(capture, "caller/numbers")
    assert (stats.calls, stats.open) == (150, 0)
    assert tree(capture)["caller"][:2] == (1, 50 * 4 * 35)
    if rate is not None:
        assert (stats.untimed, stats.total_ns) == (0, 150 * 40)
    # all of it was timed; after its last step each waits a bit less than after the others
    assert rate != 1 or (stats.estimated, stats.suspended_ns) == (0, 150 * (3 * 25 + 15))


def test_a_step_of_another_within_one_of_the_samples_ends_nothing(
    clock: FakeClock, thin: Thin
) -> None:
    """It was only counted, and its time is whose it is that resumes it."""

    @timestamp(name="numbers")
    def numbers(count: int, inner: Iterator[int] | None = None) -> Iterator[int]:
        for number in range(count):
            if inner is not None:
                next(inner)
            clock.work(10)
            yield number

    thinned = thin(numbers, None)
    with Capture() as capture:
        inner = numbers(6)
        assert next(inner) == 0
        thinned.rate = 1
        with timestamp_block("elsewhere"):
            assert list(numbers(3, inner)) == [0, 1, 2]
        assert thinned.open == 0
        assert list(inner) == [4, 5]
    assert row(capture, "numbers")[4:] == (1, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    stats = row(capture, "elsewhere/numbers")
    assert (stats.calls, stats.open, stats.total_ns) == (1, 0, 3 * (10 + 10))


@pytest.mark.parametrize("rate", [1, 3, None])
def test_failures_are_counted_and_closing_is_none(
    clock: FakeClock, thin: Thin, rate: int | None
) -> None:
    """Of those in the sample and of others."""

    @timestamp(name="numbers")
    def numbers() -> Iterator[int]:
        yield 1
        raise ArithmeticError

    @timestamp(name="waits")
    async def waits(fails: bool) -> None:
        await asyncio.sleep(0)
        if fails:
            raise ArithmeticError

    async def wait() -> None:
        for number in range(50):
            with suppress(ArithmeticError):
                await waits(number % 5 == 0)

    async def look_anew() -> None:
        for _ in range(50):
            with Capture():
                await asyncio.sleep(0)

    async def main() -> None:
        # each step of one comes after one of another
        await asyncio.gather(wait(), look_anew(), wait())

    thin(numbers, rate)
    thin(waits, rate)
    with Capture() as capture:
        for number in range(100):
            generator: Any = numbers()
            next(generator)
            if number % 5 == 0:
                with suppress(ArithmeticError):
                    next(generator)
            else:
                generator.close()
        asyncio.run(main())
    assert [row(capture, "numbers")[i] for i in (4, 5, 6)] == [100, 20, 0]
    found = capture.recording().paths
    waited = [one for one in found if one.name == "waits"]
    assert [sum(one[i] for one in waited) for i in (4, 5, 6)] == [100, 20, 0]


def test_one_of_the_sample_that_is_dropped_has_ended(clock: FakeClock, thin: Thin) -> None:
    """Python 3.13 tells nothing of that: it is found out at the latest at the capture's end."""

    @timestamp(name="numbers")
    def numbers() -> Iterator[int]:
        while True:
            clock.work(10)
            yield 1

    thinned = thin(numbers, 3)
    with Capture() as capture:
        for _ in range(300):
            next(numbers())
    stats = row(capture, "numbers")
    assert (stats.calls, stats.open, stats.total_ns) == (300, 0, 3_000)
    assert (thinned.open, thinned.frames) == (0, set() if MONITORED else None)


@pytest.mark.parametrize("rate", [2, 7])
def test_one_at_the_address_of_a_dropped_one_is_another(
    clock: FakeClock, thin: Thin, rate: int
) -> None:
    """Whether it fails at once, ends at once, or is suspended for long; in the sample or not."""

    @timestamp(name="numbers")
    def numbers(fails: bool, count: int) -> Iterator[int]:
        if fails:
            raise ArithmeticError
        for number in range(count):
            clock.work(10)
            yield number

    thinned = thin(numbers, rate)
    with Capture() as capture:
        for _ in range(200):
            next(numbers(False, 9))
            with suppress(ArithmeticError):
                next(numbers(True, 0))
            next(numbers(False, 9))
            assert list(numbers(False, 0)) == []
            next(numbers(False, 9))
            generator = numbers(False, 2)
            next(generator)
            clock.work(1_000_000)
            assert list(generator) == [1]
            del generator
    stats = row(capture, "numbers")
    assert (stats.calls, stats.errors, stats.open) == (1_200, 200, 0)
    # none was active while another one was suspended
    assert (stats.max_ns, thinned.open) == (20, 0)
    assert stats.total_ns < 1_200 * 20


@pytest.fixture
def reused(clock: FakeClock, thin: Thin) -> tuple[Any, Thinned]:
    """A generator of items of 10 ns that is counted only, or in the sample with a rate of 1.

    Each path's first call does as the rate says.
    """

    @timestamp(name="numbers")
    def numbers(count: int) -> Iterator[int]:
        for number in range(count):
            clock.work(10)
            yield number

    return numbers, thin(numbers, 1)


def test_a_counted_one_does_not_go_on_with_a_dropped_ones_span(
    clock: FakeClock, reused: tuple[Any, Thinned]
) -> None:
    """Which had its address, and was suspended."""
    numbers, thinned = reused
    with Capture() as capture:
        with timestamp_block("dropped"):
            next(numbers(9))
        thinned.rate = None
        with timestamp_block("counted"):
            generator = numbers(2)
            next(generator)
            clock.work(1_000)
            assert list(generator) == [1]
    assert row(capture, "dropped/numbers")[4:12] == (1, 0, 0, 10, 10, 10, 10, 0)
    assert row(capture, "counted/numbers")[4:] == (1, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    assert thinned.open == 0


def test_one_that_ends_at_once_leaves_nothing_of_a_dropped_one(
    clock: FakeClock, reused: tuple[Any, Thinned]
) -> None:
    """Nothing that a later one at the same address could go on with."""
    numbers, thinned = reused
    # of fewer none may come by that address
    many = 2_000

    def several(count: int) -> list[Any]:
        """Generators of which one has the dropped one's address."""
        made = [numbers(count) for _ in range(many)]
        # Python makes a frame an object, which has that address, when it is asked for
        assert all(generator.gi_frame is not None for generator in made)
        return made

    with Capture() as capture:
        with timestamp_block("dropped"):
            next(numbers(9))
        with timestamp_block("short"):
            assert [list(generator) for generator in several(0)] == [[]] * many
        thinned.rate = None
        with timestamp_block("counted"):
            counted = several(2)
            assert [next(generator) for generator in counted] == [0] * many
        thinned.rate = 1
        with timestamp_block("open"):
            waiting = numbers(1)
            next(waiting)
            clock.work(1_000)
            assert [list(generator) for generator in counted] == [[1]] * many
            assert list(waiting) == []
    assert row(capture, "dropped/numbers")[4:12] == (1, 0, 0, 10, 10, 10, 10, 0)
    assert row(capture, "counted/numbers")[4:] == (many, 0, 0, 0, 0, 0, 0, 0, 0, many)
    assert row(capture, "open/numbers")[4:8] == (1, 0, 0, 10)
    assert thinned.open == 0


def test_a_sample_that_is_dropped_at_the_end_keeps_nothing_told(
    clock: FakeClock, reused: tuple[Any, Thinned]
) -> None:
    """No other generator comes by their addresses; Python 3.13 tells nothing of it."""
    numbers, thinned = reused
    with Capture() as capture:
        waiting = [numbers(2) for _ in range(9)]
        for generator in waiting:
            next(generator)
        del generator, waiting
    assert row(capture, "numbers")[4:8] == (9, 0, 0, 90)
    assert (thinned.open, thinned.frames) == (0, set() if MONITORED else None)


def test_one_of_the_sample_that_outlives_its_capture_keeps_nothing_told(
    clock: FakeClock, thin: Thin
) -> None:
    """Nobody waits for its end any more."""

    @timestamp(name="numbers")
    def numbers() -> Iterator[int]:
        yield 1

    thinned = thin(numbers, 1)
    with Capture() as capture:
        waiting = numbers()
        next(waiting)
        assert thinned.open == MONITORED
    assert row(capture, "numbers").open == 1
    assert thinned.open == 0
    assert list(waiting) == []
    assert thinned.open == 0


def test_a_sample_within_recursion_stays_on_the_plain_path(clock: FakeClock, thin: Thin) -> None:
    """All that follows would be dearer."""

    @timestamp(name="numbers")
    def numbers() -> Iterator[int]:
        clock.work(10)
        yield 1

    @timestamp(name="descend")
    def descend(depth: int) -> None:
        if depth:
            for _ in numbers():
                descend(depth - 1)
                assert ENGINE.lanes.here().stack == []

    thin(numbers, 1)
    with Capture() as capture:
        descend(5)
    stats = row(capture, "descend/numbers")
    assert (stats.calls, stats.total_ns, stats.estimated, stats.open) == (5, 50, 0, 0)


def test_what_sampling_and_ignoring_cost_is_taken_out(
    clock: FakeClock, thin: Thin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is ignored costs the caller, what is sampled itself, too."""

    @timestamp(name="numbers")
    def numbers() -> Iterator[int]:
        clock.work(1_000)
        yield 1
        clock.work(1_000)

    @timestamp(name="caller")
    def caller() -> None:
        clock.work(1_000_000)
        first, second = numbers(), numbers()
        assert [next(first), next(second)] == [1, 1]
        assert [list(second), list(first)] == [[], []]

    thinned = thin(numbers, None)
    kinds = dict.fromkeys((*KINDS, "guarded fold"), Cost(0, 0))
    for kind in KINDS:
        kinds[f"{kind}, resumed"] = Cost(3, 5)
    costs = SpanCosts(
        kinds,
        0.0,
        counted_ns=50.0,
        sampled=Cost(30.0, 70.0),
        sampled_resumption=Cost(20.0, 40.0),
        ignored_ns=7.0,
    )
    monkeypatch.setattr(ENGINE, "costs", costs)
    with Capture() as capture:
        list(numbers())
        thinned.rate = 1
        caller()
    stats = row(capture, "caller/numbers")
    assert (stats.calls, stats.estimated) == (2, 0)
    # two spans of the sample, each resumed once
    assert stats.total_ns == 2 * (2_000 - 30 - 3 - 20)


def test_what_ignoring_costs_is_the_callers_overhead(
    clock: FakeClock, thin: Thin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each suspension with its resumption, and the end."""
    if not MONITORED:
        pytest.skip("3.11's wrapper goes straight on to what isn't timed")

    @timestamp(name="numbers")
    def numbers() -> Iterator[int]:
        yield 1
        yield 2

    @timestamp(name="caller")
    def caller(others: int) -> None:
        clock.work(1_000_000)
        waiting = numbers()
        next(waiting)
        thinned.rate = None
        for _ in range(others):
            assert list(numbers()) == [1, 2]
        assert list(waiting) == [2]

    thinned = thin(numbers, 1)
    kinds = dict.fromkeys((*KINDS, "guarded fold"), Cost(0, 0))
    monkeypatch.setattr(ENGINE, "costs", SpanCosts(kinds, 0.0, ignored_ns=7.0))
    with Capture() as capture:
        caller(10)
    assert (row(capture, "caller/numbers").calls, thinned.open) == (11, 0)
    assert capture.recording().overhead.total_ns == 10 * 5 * 7
    assert tree(capture)["caller"] == (1, 1_000_000 - 350, 1_000_000 - 350)


def test_a_throw_into_a_generator_that_is_only_counted_opens_nothing(
    clock: FakeClock, thin: Thin
) -> None:
    """Its start was seen, though no span tells of it: what follows stays on the plain path."""

    @timestamp(name="numbers")
    def numbers() -> Iterator[int]:
        try:
            yield 1
        except ArithmeticError:
            yield 2

    thin(numbers, None)
    with Capture() as capture:
        generator: Any = numbers()
        next(generator)
        assert generator.throw(ArithmeticError()) == 2
        assert ENGINE.lanes.here().stack == []
        generator.close()
        assert ENGINE.lanes.here().stack == []
    assert row(capture, "numbers").calls == 1


def test_a_timeline_has_every_stretch_of_a_generator(clock: FakeClock, thin: Thin) -> None:
    """Though it was counted only before."""

    @timestamp(name="numbers")
    def numbers() -> Iterator[int]:
        clock.work(10)
        yield 1
        clock.work(10)

    thin(numbers, None)
    with Capture(timeline=True) as capture:
        for _ in numbers():
            clock.work(1_000)
    stats = row(capture, "numbers")
    assert (stats.calls, stats.untimed, stats.total_ns, stats.suspended_ns) == (1, 0, 20, 1_000)


def test_a_block_in_a_generator_that_is_only_counted_is_suspended_with_it(
    clock: FakeClock, thin: Thin
) -> None:
    """Its suspensions are told again, for the block's sake."""

    @timestamp(name="numbers")
    def numbers(with_block: bool) -> Iterator[int]:
        if with_block:
            with timestamp_block("block"):
                clock.work(10)
                yield 1
                clock.work(10)
        yield 2

    thin(numbers, None)
    ENGINE.arm()
    with Capture() as capture:
        for _ in numbers(True):
            clock.work(1_000)
    ENGINE.disarm()
    assert row(capture, "numbers").untimed == 1
    # before 3.12 nothing tells of an unrecorded generator's suspensions
    assert MARKS is None or row(capture, "block").suspended_ns == 1_000


# Who is thinned


def test_a_generator_that_calls_nothing_is_thinned(thinning: Thinning, clock: FakeClock) -> None:
    """What its steps cost to record counts as well; one that calls others is timed."""

    @timestamp(name="numbers")
    def numbers() -> Iterator[int]:
        for number in range(3):
            clock.work(2_000)
            yield number

    @timestamp(name="long")
    def long() -> Iterator[int]:
        clock.work(20_000)
        yield 1

    @timestamp(name="squares")
    def squares() -> Iterator[int]:
        for number in numbers():
            yield number**2

    for function in (numbers, long, squares):
        admitted(function)
    with Capture():
        for _ in range(2_000):
            assert list(squares()) == [0, 1, 4]
            list(long())
    assert [is_thinned(function) for function in (numbers, long, squares)] == [True, False, False]


def test_what_is_known_of_a_generator_tells_its_time_on_other_paths(
    thinning: Thinning, clock: FakeClock
) -> None:
    """Less what recording takes inside of each of its stretches; how long it was suspended, too."""

    @timestamp(name="numbers")
    def numbers() -> Iterator[int]:
        for number in range(3):
            clock.work(2_000)
            yield number

    admitted(numbers)
    for _ in range(2):
        with Capture():
            for _ in range(600):
                for _ in numbers():
                    clock.work(70)
        clock.work(20_000_000)
    thinned = site_of(numbers)[1].thinned
    assert thinned is not None
    # three items, and the stretch after the last
    means = [total / thinned.calls for total in (thinned.self_ns, thinned.suspended_ns)]
    assert means == [3 * 2_000 - 4 * 100, 3 * 70]
    with Capture():
        for _ in range(1_000):
            for _ in numbers():
                clock.work(70)
    assert thinned.calls > 1_200
    assert thinned.suspended_ns / thinned.calls == 3 * 70


def test_over_budget_a_generator_that_calls_others_is_only_counted(
    budget: float, clock: FakeClock
) -> None:
    """None of its suspensions is told any more, and its time is with who resumes it."""

    @timestamp(name="leaf")
    def leaf() -> None:
        pass

    @timestamp(name="numbers")
    def numbers(calls: bool) -> Iterator[int]:
        if calls:
            leaf()
        for number in range(3):
            clock.work(10)
            yield number

    @timestamp(name="caller")
    def caller(calls: bool) -> None:
        for _ in range(200):
            assert list(numbers(calls)) == [0, 1, 2]

    admitted(numbers)
    for calls in (True, True, False):
        with Capture() as capture:
            caller(calls)
        clock.work(20_000_000)
    stats = row(capture, "caller/numbers")
    assert (stats.calls, stats.untimed, stats.total_ns, stats.suspended_ns) == (200, 200, 0, 0)
    # all of the time, less what recording the caller costs inside of it
    assert tree(capture)["caller"] == (1, 5_900, 5_900)


def test_what_is_resumed_often_is_dear(budget: float, clock: FakeClock) -> None:
    """A generator's calls are few: its suspensions are what recording it costs."""

    @timestamp(name="numbers")
    def numbers() -> Iterator[int]:
        for number in range(100):
            clock.work(1_000)
            yield number

    admitted(numbers)
    for _ in range(2):
        with Capture():
            for _ in range(100):
                list(numbers())
        clock.work(20_000_000)
    assert is_thinned(numbers)


def test_what_is_suspended_is_not_thinned(budget: float, clock: FakeClock) -> None:
    """Its end has to be told."""

    @timestamp(name="numbers")
    def numbers() -> Iterator[int]:
        yield 1

    admitted(numbers)
    with Capture():
        waiting = numbers()
        next(waiting)
        for _ in range(2_000):
            list(numbers())
        ENGINE.thinning.look(clock.now_ns)
        assert not is_thinned(numbers)
        assert list(waiting) == []
        ENGINE.thinning.look(clock.now_ns)
        assert is_thinned(numbers)
