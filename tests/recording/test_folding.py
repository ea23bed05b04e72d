"""Recursion: what runs above it takes the plain path, and comes out as a hand calculation says."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_timestamps.recording import Capture, timestamp, timestamp_block
from pytest_timestamps.recording.activation import GUARD
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.stack import nodes_above
from pytest_timestamps.recording.tree import NOWHERE

from .support import FakeClock, rows, tree

NAMES = "abcde"


@dataclass
class Call:
    """A call of the function or the block that ``kind`` says, and what it does."""

    name: str
    kind: str
    work_ns: int
    calls: list[Call]
    fails: bool


def _calls(calls: st.SearchStrategy[list[Call]]) -> st.SearchStrategy[Call]:
    return st.builds(
        Call,
        st.sampled_from(NAMES),
        st.sampled_from(("function", "function", "function", "namesake", "block")),
        st.integers(0, 9),
        calls,
        st.booleans(),
    )


CALLS = st.recursive(
    _calls(st.builds(list)), lambda inner: _calls(st.lists(inner, max_size=3)), max_leaves=25
)


@dataclass
class Rows:
    """Calls, errors, total and self time by path, added up call by call."""

    clock: FakeClock
    figures: dict[tuple[str, ...], list[int]] = field(default_factory=dict)

    def run(self, call: Call, place: tuple[str, ...], opened: dict[str, tuple[str, ...]]) -> int:
        """Add ``call`` from ``place``, where ``opened`` names are open; returns its time."""
        path = opened.get(call.name) or (*place, call.name)
        row = self.figures.setdefault(path, [0, 0, 0, 0])
        inner = {**opened, call.name: path}
        total_ns = call.work_ns + sum(self.run(one, path, inner) for one in call.calls)
        row[0] += 1
        row[1] += call.fails
        row[2] += 0 if call.name in opened else total_ns
        row[3] += call.work_ns
        return total_ns


class Program:
    """Functions and blocks of each name, that do what a `Call` says."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.functions: dict[tuple[str, str], Callable[[Call], None]] = {}
        for name in NAMES:
            for kind in ("function", "namesake"):
                self.functions[name, kind] = self.make(name)

    def make(self, name: str) -> Callable[[Call], None]:
        @timestamp(name=name)
        def function(call: Call) -> None:
            self.do(call)

        return function

    def run(self, call: Call) -> None:
        with suppress(ArithmeticError):
            if call.kind != "block":
                self.functions[call.name, call.kind](call)
                return
            with timestamp_block(call.name):
                self.do(call)

    def do(self, call: Call) -> None:
        self.clock.work(call.work_ns)
        for one in call.calls:
            self.run(one)
        if call.fails:
            raise ArithmeticError


@pytest.fixture
def program(clock: FakeClock) -> Program:
    return Program(clock)


@settings(
    max_examples=400,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(calls=st.lists(CALLS, min_size=1, max_size=4))
def test_any_recursion_is_what_a_hand_calculation_says(program: Program, calls: list[Call]) -> None:
    """Direct and mutual, through namesakes and blocks, with exceptions anywhere."""
    expected = Rows(program.clock)
    with Capture() as capture:
        for call in calls:
            program.run(call)
            expected.run(call, (), {})
    found = {
        tuple(path.split("/")): [r.calls, r.errors, r.total_ns, r.self_ns]
        for path, r in rows(capture).items()
    }
    assert found == expected.figures


def test_calls_above_a_recursion_are_plain(clock: FakeClock) -> None:
    """Neither they nor the recursive calls guard the lane."""
    forms = set()

    @timestamp(name="leaf")
    def leaf() -> None:
        lane = ENGINE.lanes.here()
        forms.add((bool(lane.folds), bool(lane.stack)))

    @timestamp(name="other")
    def other(depth: int) -> None:
        visit(depth - 1)

    @timestamp(name="visit")
    def visit(depth: int) -> None:
        leaf()
        if depth:
            other(depth)
            leaf()

    with Capture() as capture:
        visit(0)
        assert forms == {(False, False)}
        visit(5)
    assert forms == {(False, False), (True, False)}
    assert tree(capture)["visit/leaf"][0] == 12


def test_a_query_within_a_recursion_sees_all_that_is_open(clock: FakeClock) -> None:
    """Each open call counts, with its time so far, and is left as it is."""
    seen = []

    @timestamp(name="rec")
    def rec(depth: int) -> None:
        clock.work(1)
        if depth:
            step(depth)
        else:
            seen.append(tree(capture))

    @timestamp(name="step")
    def step(depth: int) -> None:
        clock.work(10)
        rec(depth - 1)

    with Capture() as capture:
        rec(2)
    assert seen == [{"rec": (3, 23, 3), "rec/step": (2, 22, 20)}]
    assert tree(capture) == seen[0]


def test_a_look_at_a_stack_that_changes_its_form_comes_to_an_end(clock: FakeClock) -> None:
    """What another thread sees in between, a guarded top above a fold, is no endless stack."""
    assert nodes_above(GUARD, NOWHERE) == []


def test_a_collector_within_a_recursion_begins_anew(clock: FakeClock) -> None:
    """The recursion that began before is none to it; the outer one sees it whole."""
    captures = []

    @timestamp(name="rec")
    def rec(depth: int) -> None:
        clock.work(1)
        if depth == 2:
            with Capture() as inner:
                rec(1)
            captures.append(inner)
        elif depth:
            rec(depth - 1)

    with Capture() as outer:
        rec(4)
    assert tree(outer) == {"rec": (5, 5, 5)}
    assert tree(captures[0]) == {"rec": (2, 2, 2)}


@pytest.fixture
def ticking(clock: FakeClock) -> None:
    """The engine's clock goes on by one each time that it is looked at."""
    ENGINE.use_clock(itertools.count().__next__)


@pytest.mark.usefixtures("ticking")
def test_what_a_recursive_call_costs_is_measured() -> None:
    """Recording's own way to a recursive call and back is in no figure, however long it takes."""

    @timestamp(name="rec")
    def rec(depth: int) -> None:
        if depth:
            rec(depth - 1)

    with Capture() as capture:
        rec(3)
    (row,) = capture.recording().paths
    # the clock goes on by one at each look; each call is left and come back to: one tick each
    assert (row.calls, row.total_ns, row.self_ns) == (4, 7, 7)


@pytest.mark.usefixtures("ticking")
def test_what_resuming_a_recursive_generator_costs_is_measured() -> None:
    """A generator that delegates to itself has its own time, however often it is resumed."""

    @timestamp(name="walk")
    def walk(depth: int) -> Iterator[int]:
        if depth:
            yield from walk(depth - 1)
        else:
            yield from range(5)

    with Capture() as capture:
        assert list(walk(1)) == [0, 1, 2, 3, 4]
    (row,) = capture.recording().paths
    # six stretches, in each of which it is entered twice and left twice
    assert (row.calls, row.total_ns, row.self_ns) == (2, 6 * 3, 6 * 3)
