"""Functions whose calls are counted, and of which a sample is timed."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from pytest_timestamps.recording import Capture, timestamp, timestamp_block
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.overhead import Cost, SpanCosts
from pytest_timestamps.recording.thinned import RATE

from .model import End, Model, Run
from .programs import NAMES, PROGRAMS, Body, Machine, _coroutine, _function, _generator
from .support import FakeClock, row, tree
from .test_properties import expected, reported
from .thinned import KINDS, Thin

EXAMPLES = int(os.environ.get("TIMESTAMPS_EXAMPLES", "400"))
"""Programs to try: few and always the same in CI, many and new ones by hand."""


def test_every_call_is_counted_and_a_sample_timed(clock: FakeClock, thin: Thin) -> None:
    """The rest has the mean of those, and the caller's own time is rid of all of it."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(10)

    @timestamp(name="caller")
    def caller() -> None:
        for _ in range(10_000):
            leaf()
            clock.work(1)

    thin(leaf, 10)
    with Capture() as capture:
        caller()
    stats = row(capture, "caller/leaf")
    assert (stats.calls, stats.untimed, stats.errors, stats.open) == (10_000, 0, 0, 0)
    assert 800 <= stats.calls - stats.estimated <= 1_200
    assert (stats.total_ns, stats.self_ns) == (100_000, 100_000)
    assert (stats.min_ns, stats.max_ns) == (10, 10)
    assert row(capture, "caller")[4:] == (1, 0, 0, 110_000, 10_000, 110_000, 110_000, 0, 0, 0)


def test_the_sample_does_not_follow_the_programs_rhythm(clock: FakeClock, thin: Thin) -> None:
    """A call that takes long each tenth time is sampled as often as it occurs."""

    @timestamp(name="leaf")
    def leaf(number: int) -> None:
        clock.work(100 if number % 10 == 0 else 10)

    thin(leaf, 10)
    with Capture() as capture:
        for number in range(20_000):
            leaf(number)
    assert row(capture, "leaf").total_ns == pytest.approx(20_000 * 19, rel=0.15)


def test_an_estimate_is_no_longer_than_the_caller_took(clock: FakeClock, thin: Thin) -> None:
    """However unlucky the sample: other work may have interrupted it."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(100_000 if ENGINE.lanes.here().top.site.name == "leaf" else 10)

    @timestamp(name="other")
    def other() -> None:
        clock.work(500)

    @timestamp(name="caller")
    def caller() -> None:
        for _ in range(1_000):
            leaf()
        other()

    thin(leaf, 10)
    with Capture() as capture:
        caller()
    stats, took_ns = row(capture, "caller/leaf"), clock.now_ns
    sampled = stats.calls - stats.estimated
    assert took_ns == sampled * 100_000 + stats.estimated * 10 + 500
    assert (stats.calls, stats.total_ns, stats.self_ns) == (1_000, took_ns - 500, took_ns - 500)
    assert tree(capture)["caller"][:2] == (1, took_ns)
    assert tree(capture)["caller/other"] == (1, 500, 500)


def test_a_function_that_is_only_counted_leaves_its_time_to_its_caller(
    clock: FakeClock, thin: Thin
) -> None:
    """What it calls hangs below the caller."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(5)

    @timestamp(name="counted")
    def counted() -> None:
        clock.work(1)
        leaf()

    @timestamp(name="caller")
    def caller() -> None:
        counted()
        counted()

    thin(counted, None)
    with Capture() as capture:
        caller()
    assert tree(capture) == {
        "caller": (1, 12, 2),
        "caller/counted": (2, 0, 0),
        "caller/leaf": (2, 10, 10),
    }
    stats = row(capture, "caller/counted")
    assert (stats.estimated, stats.untimed, stats.min_ns, stats.max_ns) == (0, 2, 0, 0)


def test_a_path_without_a_timed_call_has_the_functions_mean(clock: FakeClock, thin: Thin) -> None:
    """What was timed elsewhere tells how long its calls took."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(7)

    thinned = thin(leaf, RATE)
    thinned.calls, thinned.self_ns = 10, 70.0
    with Capture() as capture, timestamp_block("rare"):
        leaf()
    stats = row(capture, "rare/leaf")
    if stats.estimated:
        assert (stats.total_ns, stats.min_ns, stats.max_ns) == (7, 0, 0)
    assert tree(capture)["rare/leaf"] == (1, 7, 7)


@pytest.mark.parametrize("rate", [1, 3, None])
def test_failures_are_counted(clock: FakeClock, thin: Thin, rate: int | None) -> None:
    """Of timed calls and of others."""

    @timestamp(name="leaf")
    def leaf(fails: bool) -> None:
        if fails:
            raise ArithmeticError

    thin(leaf, rate)
    with Capture() as capture:
        for number in range(100):
            with suppress(ArithmeticError):
                leaf(number % 4 == 0)
    stats = row(capture, "leaf")
    assert (stats.calls, stats.errors) == (100, 25)


def test_recursion_is_timed(clock: FakeClock, thin: Thin) -> None:
    """A thinned function that calls itself while one of its calls is timed."""

    @timestamp(name="rec")
    def rec(depth: int) -> None:
        clock.work(1)
        if depth:
            rec(depth - 1)

    thin(rec, 1)
    with Capture() as capture:
        for _ in range(10):
            rec(4)
    assert tree(capture) == {"rec": (50, 50, 50)}


def test_a_sample_within_recursion_ends(clock: FakeClock, thin: Thin) -> None:
    """Returns are told only while a sampled call is open, whatever is going on around it."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(10)

    @timestamp(name="rec")
    def rec(depth: int) -> None:
        for _ in range(10):
            leaf()
        if depth:
            rec(depth - 1)

    thinned = thin(leaf, 2)
    with Capture() as capture:
        rec(20)
        assert thinned.open == 0
    stats = row(capture, "rec/leaf")
    assert (stats.calls, stats.total_ns) == (210, 2_100)


def test_a_timeline_has_every_call(clock: FakeClock, thin: Thin) -> None:
    """Who asked for each span gets each span."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1)

    thin(leaf, None)
    with Capture(timeline=True) as capture:
        leaf()
        leaf()
    assert [(span.start_ns, span.end_ns) for span in capture.recording().timeline] == [
        (0, 1),
        (1, 2),
    ]
    assert row(capture, "leaf").untimed == 0


def test_calls_in_threads_and_tasks_are_counted(clock: FakeClock, thin: Thin) -> None:
    """Wherever a call happens it counts for what started its thread or task."""

    @timestamp(name="leaf")
    def leaf() -> None:
        pass

    @timestamp(name="start")
    def start() -> None:
        threads = [threading.Thread(target=many) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def many() -> None:
        for _ in range(500):
            leaf()

    async def main() -> None:
        await asyncio.gather(*(task() for _ in range(3)))

    async def task() -> None:
        for _ in range(20):
            leaf()
            await asyncio.sleep(0)

    thinned = thin(leaf, 3)
    with Capture() as capture:
        start()
        asyncio.run(main())
    assert row(capture, "start/~leaf").calls == 1500
    assert row(capture, "leaf").calls == 60
    assert thinned.open == 0


def test_calls_whose_paths_have_no_room_end_as_well(
    clock: FakeClock, thin: Thin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is open afterwards: returns aren't told for their sake."""
    monkeypatch.setattr("pytest_timestamps.recording.scope.PATHS_LIMIT", 1)

    @timestamp(name="leaf")
    def leaf() -> None:
        pass

    thinned = thin(leaf, 1)
    with Capture() as capture, timestamp_block("block"):
        leaf()
        leaf()
    assert thinned.open == 0
    assert set(tree(capture)) == {"block"}
    assert capture.recording().dropped_paths > 0


def test_what_counting_and_sampling_cost_is_taken_out(
    clock: FakeClock, thin: Thin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the caller's time; a sampled call costs more than others, inside of itself too."""

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1_000)

    @timestamp(name="caller")
    def caller() -> None:
        clock.work(1_000_000)
        for _ in range(100):
            leaf()

    thin(leaf, 10)
    kinds = dict.fromkeys((*KINDS, "guarded fold"), Cost(0, 0))
    costs = SpanCosts(kinds, 0.0, counted_ns=50.0, sampled=Cost(30.0, 70.0))
    monkeypatch.setattr(ENGINE, "costs", costs)
    with Capture() as capture:
        caller()
    stats = row(capture, "caller/leaf")
    sampled = stats.calls - stats.estimated
    assert 0 < sampled < 100
    assert stats.total_ns == 100 * 970
    assert capture.recording().overhead.total_ns == 50 * stats.estimated + 100 * sampled


def test_calls_that_nobody_gathers_cost_no_sample(clock: FakeClock, thin: Thin) -> None:
    """Armed, and nothing is running here."""

    @timestamp(name="leaf")
    def leaf() -> None:
        pass

    thinned = thin(leaf, 1)
    ENGINE.arm()
    leaf()
    ENGINE.disarm()
    assert thinned.open == 0


def _renamed(named: Any, prefix: str, thin: Thin, rate: int | None) -> Any:
    """What programs call by a name: recorded by one of its own, and thinned."""

    def function(machine: Machine, name: str, body: Body) -> Any:
        return recorded(machine, f"{prefix}{name}", body)

    made, name = named
    made.__name__ = f"{prefix}{name}"
    recorded = timestamp(made, name=made.__name__)
    thin(recorded, rate)
    return function


class ThinnedMachine(Machine):
    """Runs programs whose functions, generators and coroutines are thinned, or counted only."""

    def __init__(
        self, model: Model, thin: Thin, rates: tuple[int | None, ...] = (None, 1, 2)
    ) -> None:
        super().__init__(model)
        rated = list(zip(NAMES, rates, strict=True))
        self.functions = [_renamed((_function(), name), "f", thin, rate) for name, rate in rated]
        self.makers = [_renamed((_generator(), name), "g", thin, rate) for name, rate in rated]
        self.coroutines = [_renamed((_coroutine(), name), "c", thin, rate) for name, rate in rated]


thoroughly = settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES <= 400,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@thoroughly
@given(body=PROGRAMS)
def test_any_programs_figures_are_right_where_all_calls_are_in_the_sample(
    clock: FakeClock, thin: Thin, body: Body
) -> None:
    """What is thinned takes another way through recording, to the same figures."""
    model = Model()
    ENGINE.use_clock(model.clock)
    machine = ThinnedMachine(model, thin, (1, 1, 1))
    machine.execute(body)
    for capture, run in machine.gathered:
        assert reported(capture.recording().paths) == expected(model, run)


@thoroughly
@given(body=PROGRAMS)
def test_any_programs_calls_are_counted(clock: FakeClock, thin: Thin, body: Body) -> None:
    """By name, in every collector, whatever is thinned and however: as the model counts them."""
    model = Model()
    ENGINE.use_clock(model.clock)
    machine = ThinnedMachine(model, thin)
    machine.execute(body)
    for capture, run in machine.gathered:
        found: Counter[str] = Counter()
        for stats in capture.recording().paths:
            found[stats.name] += stats.calls
        assert +found == _calls(model, run)


def _calls(model: Model, run: Run) -> Counter[str]:
    ends = (e for e in model.events if isinstance(e, End) and run in e.rows)
    return Counter(end.rows[run][-1][0] for end in ends)
