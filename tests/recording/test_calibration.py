"""What recording finds out of its own cost, in the middle of whatever is going on."""

import itertools
from collections.abc import Iterator
from time import perf_counter_ns

import pytest

from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.engine import ENGINE


@pytest.fixture(autouse=True)
def uncalibrated() -> Iterator[None]:
    """The engine with the real clock, before it has looked at its costs."""
    if ENGINE.armed:
        pytest.skip("this run records itself, and the clock can't be swapped meanwhile")
    ENGINE.use_clock(perf_counter_ns, calibrate=True)
    yield
    ENGINE.use_clock(perf_counter_ns, calibrate=True)


def test_every_way_of_recording_costs_what_the_clock_says() -> None:
    """Each read of the clock is one tick: one inside of a span, and one more around it.

    A guarded lane reads it once more, and a folded one measures what two reads bracket by itself.
    """
    ENGINE.use_clock(itertools.count().__next__, calibrate=True)
    with Capture():
        ENGINE.look_at_costs()
    costs = ENGINE.costs
    for cost in (costs.code, costs.of("block")):
        assert (cost.inner_ns, cost.full_ns, cost.whole_ns) == (1.0, 2.0, 2.0)
    for cost in (costs.slow, costs.guarded_fold):
        assert (cost.inner_ns, cost.full_ns, cost.whole_ns) == (1.0, 3.0, 3.0)
    fold, resumed = costs.fold, costs.resumed_fold
    assert (fold.inner_ns, fold.full_ns, fold.whole_ns) == (1.0, 2.0, 4.0)
    # a generator that is resumed forty times runs in forty-one stretches
    stretches = (resumed.inner_ns, resumed.full_ns, resumed.whole_ns)
    assert stretches == tuple(ticks * 41 / 40 for ticks in (1.0, 2.0, 4.0))


def test_calibrating_disturbs_nothing_that_is_open() -> None:
    """In the middle of a recursion, that is still known to be one afterwards."""

    @timestamp(name="rec")
    def rec(depth: int) -> None:
        if depth:
            rec(depth - 1)
            return
        lane = ENGINE.lanes.here()
        before = lane.top, list(lane.folds), dict(lane.shut_names), list(lane.covers)
        ENGINE.look_at_costs()
        assert (lane.top, lane.folds, lane.shut_names, lane.covers) == before
        assert lane.covers == [capture]
        assert len(lane.folds) == 3

    with Capture() as capture:
        rec(3)
    (row,) = capture.recording().paths
    assert (row.name, row.calls) == ("rec", 4)
