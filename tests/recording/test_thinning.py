"""Which functions are thinned since recording would distort the picture, and when to look."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.marks import MARKS
from pytest_timestamps.recording.thinning import Thinning

from .support import FakeClock, Recycling, row
from .thinned import admitted, is_thinned, site_of


@pytest.mark.parametrize("capture_type", [Capture, Recycling])
def test_a_leaf_is_thinned_that_is_called_often_and_takes_little(
    thinning: Thinning, busy: Any, capture_type: type[Capture]
) -> None:
    """From the next test on; its caller, and a leaf that nobody admitted, are timed as ever."""
    leaf, caller = busy(1_000)
    with capture_type() as first:
        caller(1_000)
    assert (is_thinned(leaf), is_thinned(caller)) == (True, False)
    assert row(first, "leaf caller/leaf").estimated == 0
    with capture_type() as second:
        caller(1_000)
    stats = row(second, "leaf caller/leaf")
    assert stats.calls == 1_000
    assert stats.estimated > 900


def test_a_leaf_is_thinned_in_a_tree_that_waits_to_be_used_again(
    thinning: Thinning, busy: Any, clock: FakeClock
) -> None:
    """Whoever found out; the sample goes on where it was."""
    leaf, caller = busy(1_000)
    with Recycling():
        caller(1)
    clock.work(20_000_000)
    with Capture():
        caller(1_000)
    assert is_thinned(leaf)
    found = []
    for _ in range(100):
        with Recycling() as capture:
            caller(10)
        found.append(row(capture, "leaf caller/leaf"))
    assert {stats.calls for stats in found} == {10}
    assert 960 < sum(stats.estimated for stats in found) < 995


@pytest.mark.parametrize(("takes_ns", "calls"), [(1_000, 999), (4_200, 5_000)])
def test_a_leaf_is_timed_that_is_called_rarely_or_takes_long(
    thinning: Thinning, busy: Any, takes_ns: int, calls: int
) -> None:
    """Recording it distorts nothing."""
    leaf, caller = busy(takes_ns)
    with Capture():
        caller(calls)
    assert not is_thinned(leaf)


def test_calls_of_several_tests_are_added_up(
    thinning: Thinning, busy: Any, clock: FakeClock
) -> None:
    """As far as they were looked at, which is done now and then."""
    leaf, caller = busy(1_000)
    found = []
    for _ in range(2):
        with Capture():
            caller(500)
        found.append(is_thinned(leaf))
        clock.work(20_000_000)
    assert found == [False, True]


def test_the_next_look_is_soon_however_long_a_stop_takes(
    thinning: Thinning, busy: Any, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking may take a hundredth of the time; measuring the costs is no part of it."""
    _, caller = busy(1_000)
    monkeypatch.setattr(ENGINE, "look_at_costs", lambda: clock.work(13_000_000))
    with Capture():
        caller(10)
    assert thinning.due_ns <= clock.now_ns + 20_000_000


def test_a_long_test_is_looked_at_while_it_runs(
    thinning: Thinning, busy: Any, clock: FakeClock
) -> None:
    """The most of its calls are counted already."""
    _, caller = busy(1_000)
    with Capture() as capture:
        caller(100_000)
    stats = row(capture, "leaf caller/leaf")
    # what recording costs inside a call is out of the estimates, too
    assert (stats.calls, stats.total_ns) == (100_000, 100_000 * 900)
    assert stats.estimated > 70_000


def test_a_function_that_calls_others_or_itself_is_timed(
    thinning: Thinning, clock: FakeClock
) -> None:
    """Whatever it calls keeps its place in the call tree."""

    @timestamp(name="leaf")
    def leaf() -> None:
        pass

    @timestamp(name="caller")
    def caller() -> None:
        leaf()

    @timestamp(name="rec")
    def rec(depth: int) -> None:
        if depth:
            rec(depth - 1)

    for function in (leaf, caller, rec):
        admitted(function)
    with Capture():
        for _ in range(2_000):
            caller()
            rec(1)
    assert [is_thinned(function) for function in (leaf, caller, rec)] == [True, False, False]


def test_namesakes_are_timed(thinning: Thinning) -> None:
    """A call of one can be recursion of the other."""

    @timestamp(name="namesake")
    def one() -> None:
        pass

    @timestamp(name="namesake")
    def other() -> None:
        pass

    admitted(one)
    admitted(other)
    if MARKS is None:
        assert site_of(one)[1].name == "one"  # wrappers of one name have one site
        return
    with Capture():
        for _ in range(5_000):
            one()
    assert [is_thinned(one), is_thinned(other)] == [False, False]


def test_nothing_is_thinned_while_it_runs(thinning: Thinning, busy: Any, clock: FakeClock) -> None:
    """Its end has to be told."""
    leaf, caller = busy(1)

    with Capture() as capture:
        caller(9_000)
        ENGINE.spans.open(*site_of(leaf))
        thinning.look(clock.now_ns)
        assert not is_thinned(leaf)
        ENGINE.spans.close(site_of(leaf)[0])
        thinning.look(clock.now_ns)
        assert is_thinned(leaf)
    assert row(capture, "leaf caller/leaf").calls == 9_000


def test_what_was_thinned_is_timed_when_it_is_recorded_anew(thinning: Thinning, busy: Any) -> None:
    """A wrapper's site outlives the instrumentation: it starts afresh with the next one."""
    leaf, caller = busy(1_000)
    with Capture():
        caller(1_000)
    assert is_thinned(leaf)
    thinning.stop(None)
    thinning.start(None)
    admitted(leaf)
    assert not is_thinned(leaf)
    with Capture() as capture:
        caller(500)
    assert row(capture, "leaf caller/leaf").estimated == 0


# What else is done at the ends of spans


class Chore:
    """Notes when it was done, and is due again after 4.5 ms: before it is time to judge."""

    def __init__(self, clock: FakeClock) -> None:
        self.due_ns = 0
        self.done_ns: list[int] = []
        self._clock = clock

    def do(self) -> None:
        self.done_ns.append(self._clock())
        self.due_ns = self._clock() + 4_500_000


def test_a_chore_is_done_when_it_is_due(
    thinning: Thinning, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of the next span, though recording is going on, and then whenever it is due."""
    monkeypatch.setattr(thinning, "_chores", [])

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1_000_000)

    with Capture():
        leaf()
        chore, start_ns = Chore(clock), clock()
        thinning.do_at_ends(chore)
        for _ in range(12):
            leaf()
        other = Chore(clock)
        thinning.do_at_ends(other)
        for _ in range(5):
            leaf()
    assert [(ns - start_ns) // 1_000_000 for ns in chore.done_ns] == [1, 6, 11, 16]
    assert [(ns - start_ns) // 1_000_000 for ns in other.done_ns] == [13]


def test_with_a_chore_a_long_test_is_looked_at(
    thinning: Thinning, busy: Any, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is thinned is the same as without one."""
    monkeypatch.setattr(thinning, "_chores", [])
    thinning.do_at_ends(Chore(clock))
    leaf, caller = busy(1_000)
    with Capture():
        caller(100_000)
        assert is_thinned(leaf)
