"""Functions that are left out: as if nobody had asked for them, from some moment on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.marks import MARKS
from pytest_timestamps.recording.overhead import SpanCosts
from pytest_timestamps.recording.seen import Seen
from pytest_timestamps.recording.sites import Site
from pytest_timestamps.recording.thinning import Thinning

from .model import Model, Span
from .programs import NAMES, PROGRAMS, Body, Machine, Op, _coroutine, _function, _generator
from .support import FakeClock, Recycling, row, tree
from .test_properties import EXAMPLES, expected, reported
from .thinned import COSTS, admitted, free_ends, site_of

TEST_NS = 2_000_000

NAMESAKES = pytest.mark.skipif(MARKS is None, reason="3.11's wrappers of one name have one site")


@pytest.fixture
def thinning(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Thinning]:
    """The engine's rule, held to a tenth, where a call costs 400 ns, timed or counted."""
    costs = SpanCosts({kind: COSTS.of(kind) for kind in KINDS}, 0.0, counted_ns=400.0)
    monkeypatch.setattr(ENGINE, "costs", costs)
    ENGINE.thinning.start(0.1)
    yield ENGINE.thinning
    sites = [*ENGINE.thinning._sites.values(), *ENGINE.thinning.cuts._out]
    ENGINE.thinning.stop(0.1)
    for site in sites:
        site.may_leave_out = site.may_thin = False
        site.thinned = None


KINDS = (
    "block", "code", "wrapper", "suspendable code", "suspendable wrapper", "slow", "fold",
    "guarded fold",
)  # fmt: skip


def leave_out(function: Any) -> bool:
    """Leave it out at once, if nothing of it is open."""
    key, site = site_of(function)
    if id(key) in ENGINE.thinning.cuts.begun():
        return False
    ENGINE.thinning.cuts.leave_out([Seen(key, site)])
    return True


# What is recorded


class LeavingMachine(Machine):
    """Runs programs whose functions are left out, and taken back, in the middle."""

    def __init__(self, model: Model, capture_type: type[Capture]) -> None:
        super().__init__(model, capture_type)
        self.sites: dict[str, Site] = {}
        self.recorded: list[Any] = []
        self.functions = [self.named(_function(), f"f{name}") for name in NAMES]
        self.makers = [self.named(_generator(), f"g{name}") for name in NAMES]
        self.coroutines = [self.named(_coroutine(), f"c{name}") for name in NAMES]

    def named(self, made: Any, name: str) -> Any:
        """What programs call by another name: recorded by one of its own."""
        made.__name__ = name
        recorded = timestamp(made, name=name)
        self.recorded.append(recorded)
        self.sites[name] = site_of(recorded)[1]

        def function(machine: Machine, _: str, body: Body) -> Any:
            return recorded(machine, name, body)

        return function

    def do(self, op: Op) -> None:
        """Time that passes has functions left out, or all of them taken back."""
        super().do(op)
        if op.kind != "tick":
            return
        if op.number == 8:
            ENGINE.thinning.cuts.take_back()
        elif op.number % 2:
            leave_out(self.recorded[self.model.now_ns % len(self.recorded)])

    def span(self, name: str) -> Any:
        """Nobody is told of a call of what is left out as it begins."""
        site = self.sites.get(name)
        if site is not None and site.thinned is not None and site.thinned.left_out:
            return untold(name)
        return super().span(name)


@contextmanager
def untold(name: str) -> Iterator[Span]:
    """Stands for a span that nobody has seen."""
    yield Span(name, frozenset())


@pytest.mark.parametrize("capture_type", [Capture, Recycling])
@settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES <= 600,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(body=PROGRAMS)
def test_all_others_figures_are_those_of_the_model(
    clock: FakeClock, capture_type: type[Capture], body: Body
) -> None:
    """Whatever is left out, or taken back, while spans are open, suspended and recursive."""
    model = Model()
    ENGINE.use_clock(model.clock)
    machine = LeavingMachine(model, capture_type)
    try:
        for part in (body, body):
            machine.execute(part)
        for capture, run in machine.gathered:
            assert reported(capture.recording().paths) == expected(model, run)
    finally:
        ENGINE.thinning.cuts.take_back()
        for site in machine.sites.values():
            site.thinned = None


@pytest.fixture
def program(clock: FakeClock, thinning: Thinning) -> tuple[Any, Any, Any]:
    """A leaf, a middle that calls it, and a top that calls that, which is decorated."""

    @timestamp(name="leaf")
    def leaf(fails: bool = False) -> None:
        clock.work(10)
        if fails:
            raise ArithmeticError

    @timestamp(name="middle")
    def middle(fails: bool = False) -> None:
        clock.work(5)
        leaf(fails)

    @timestamp(name="top")
    def top(fails: bool = False) -> None:
        clock.work(1)
        middle(fails)

    return admitted(leaf), admitted(middle), top


def test_what_was_seen_before_remains(clock: FakeClock, program: tuple[Any, Any, Any]) -> None:
    """From then on its time is with its callers, and what it calls hangs below these."""
    ENGINE.costs = SpanCosts(dict.fromkeys(KINDS, FREE), 0.0)
    _, middle, top = program
    with Capture() as capture:
        top()
        assert leave_out(middle)
        top()
        assert capture.recording().left_out == ("middle",)
    assert tree(capture) == {
        "top": (2, 32, 7),
        "top/leaf": (1, 10, 10),
        "top/middle": (1, 15, 5),
        "top/middle/leaf": (1, 10, 10),
    }
    assert capture.recording().left_out == ("middle",)


FREE = type(COSTS.code)(0.0, 0.0)


def test_an_exception_of_what_is_left_out_is_nobodys(program: tuple[Any, Any, Any]) -> None:
    """Its errors are at least those that were seen, as its calls are."""
    leaf, _, top = program
    with Capture() as capture:
        top()
        leave_out(leaf)
        with pytest.raises(ArithmeticError):
            top(fails=True)
    assert row(capture, "top/middle/leaf").errors == 0
    assert row(capture, "top/middle").errors == 1


def test_no_event_is_left(program: tuple[Any, Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """On 3.12 and later it runs as fast as undecorated; before, its wrapper goes straight on."""
    leaf, _, top = program
    with Capture():
        top()
        leave_out(leaf)
        if MARKS is None:
            monkeypatch.setattr(ENGINE.spans, "count", None)
            monkeypatch.setattr(ENGINE.spans, "open", None)
            leaf()
        else:
            import sys

            monitoring: Any = sys.monitoring
            assert monitoring.get_local_events(4, leaf.__code__) == 0
            assert monitoring.get_local_events(4, top.__code__) != 0


def test_another_thread_runs_it_meanwhile(program: tuple[Any, Any, Any]) -> None:
    """What it has open there ends as it should; it is left out once it has ended."""
    _, middle, top = program
    inside, go_on = threading.Event(), threading.Event()

    @timestamp(name="waits")
    def waits() -> None:
        inside.set()
        go_on.wait()

    with Capture() as capture:
        thread = threading.Thread(target=waits)
        thread.start()
        inside.wait()
        assert not leave_out(waits)
        assert leave_out(middle)
        go_on.set()
        thread.join()
        assert leave_out(waits)
        waits()
        top()
    assert row(capture, "waits").calls == 1
    assert "top/middle" not in tree(capture)


# Who is left out, and until when


def suite(clock: FakeClock, function: Callable[[], Any], tests: int) -> list[Capture]:
    """So many tests of 2 ms in which the function is called 2,000 times."""
    made = []
    for _ in range(tests):
        with Recycling() as capture:
            for _ in range(2_000):
                function()
            clock.work(TEST_NS)
        made.append(capture)
    return made


def is_left_out(function: Any) -> bool:
    thinned = site_of(function)[1].thinned
    return thinned is not None and thinned.left_out


def test_what_is_dear_to_count_is_left_out(
    clock: FakeClock, thinning: Thinning, program: tuple[Any, Any, Any]
) -> None:
    """Once it has cost so much that somebody feels it; what is decorated never is."""
    leaf, middle, top = program
    made = suite(clock, middle, 40)
    assert (is_left_out(leaf), is_left_out(middle)) == (True, True)
    assert made[-1].recording().paths == ()
    assert made[-1].recording().left_out == ("leaf", "middle")
    assert made[0].recording().left_out == ()
    suite(clock, top, 40)
    assert not is_left_out(top)
    assert site_of(top)[1].thinned is None


def test_little_is_left_out_by_nobody(
    clock: FakeClock, thinning: Thinning, program: tuple[Any, Any, Any]
) -> None:
    """A session that recording costs less than 20 ms is told whole, however short it is."""
    leaf, middle, _ = program
    suite(clock, middle, 8)
    assert [is_left_out(one) for one in (leaf, middle)] == [False, False]


def test_a_long_test_has_functions_left_out_in_its_midst(
    clock: FakeClock, thinning: Thinning
) -> None:
    """Nobody waits for its end."""

    @timestamp(name="small")
    def small() -> None:
        clock.work(500)

    admitted(small)
    with Capture() as capture:
        for _ in range(400_000):
            small()
    assert is_left_out(small)
    assert row(capture, "small").calls < 200_000
    assert capture.recording().left_out == ("small",)


@NAMESAKES
def test_namesakes_may_be_left_out_though_not_counted(clock: FakeClock, thinning: Thinning) -> None:
    """None of their calls makes a span, so none is taken for recursion of the other."""

    @timestamp(name="namesake")
    def one() -> None:
        pass

    @timestamp(name="namesake")
    def other() -> None:
        pass

    admitted(one)
    admitted(other)
    with Capture() as capture:
        one()
        other()
        leave_out(one)
        one()
        other()
        ENGINE.thinning.cuts.take_back()
        one()
        other()
    assert row(capture, "namesake").calls == 5


@NAMESAKES
def test_a_namesake_that_is_dear_is_left_out(clock: FakeClock, thinning: Thinning) -> None:
    """It could not be counted instead."""

    @timestamp(name="namesake")
    def one() -> None:
        clock.work(10)

    @timestamp(name="namesake")
    def other() -> None:
        clock.work(10)

    admitted(one)
    admitted(other)
    suite(clock, one, 40)
    assert is_left_out(one)


def test_time_that_is_nobodys_is_no_program(clock: FakeClock, thinning: Thinning) -> None:
    """A budget is a share of what is left of a capture's time without it."""

    @timestamp(name="small")
    def small() -> None:
        clock.work(5_000)

    admitted(small)
    free_ends(thinning)
    for idle_ns in (0, 7_000_000):
        assert not is_left_out(small)
        for _ in range(60):
            with Recycling() as capture:
                capture.idle_ns = idle_ns
                for _ in range(2_000):
                    small()
    assert is_left_out(small)


def test_a_timeline_has_every_call(
    clock: FakeClock, thinning: Thinning, program: tuple[Any, Any, Any]
) -> None:
    """What was left out is recorded while a capture with a timeline runs, and may go again."""
    _, middle, _ = program
    suite(clock, middle, 40)
    with Capture(timeline=True) as capture:
        for _ in range(3):
            middle()
    names = [span.name for span in capture.recording().timeline]
    assert (names.count("middle"), names.count("leaf")) == (3, 3)
    assert capture.recording().left_out == ()
    suite(clock, middle, 40)
    assert is_left_out(middle)


def test_nothing_is_left_out_while_a_timeline_is_running(
    clock: FakeClock, thinning: Thinning, program: tuple[Any, Any, Any]
) -> None:
    """Not even what it doesn't see just now."""
    _, middle, _ = program
    with Capture(timeline=True) as around:
        for _ in range(40):
            with Capture(without=[around]):
                for _ in range(2_000):
                    middle()
                clock.work(TEST_NS)
        assert not is_left_out(middle)


def test_whoever_asks_for_it_later_gets_it(
    clock: FakeClock, thinning: Thinning, program: tuple[Any, Any, Any]
) -> None:
    """Another start finds all as it was; a capture that is running knows what it lacks."""
    leaf, middle, _ = program
    suite(clock, middle, 40)
    assert is_left_out(middle)
    with Capture() as around:
        thinning.start(None)
        assert [is_left_out(one) for one in (leaf, middle)] == [False, False]
        with Capture() as capture:
            middle()
        thinning.stop(None)
    assert row(capture, "middle").calls == 1
    assert capture.recording().left_out == ()
    assert around.recording().left_out == ("leaf", "middle")


def test_what_costs_little_of_its_own_time_is_not_left_out(
    clock: FakeClock, thinning: Thinning
) -> None:
    """To leave it out would hide where the time goes, and save next to nothing."""

    @timestamp(name="slow")
    def slow() -> None:
        clock.work(100_000)

    @timestamp(name="small")
    def small() -> None:
        clock.work(10)

    def both() -> None:
        for _ in range(50):
            small()
        slow()

    admitted(slow)
    admitted(small)
    free_ends(thinning)
    for _ in range(40):
        with Recycling():
            for _ in range(100):
                both()
    assert (is_left_out(small), is_left_out(slow)) == (True, False)
