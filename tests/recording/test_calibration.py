"""What recording finds out of its own cost, in the middle of whatever is going on."""

import itertools
from collections.abc import Iterator
from time import perf_counter_ns

import pytest

from pytest_timestamps.recording import Capture, timestamp, timestamp_block
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.overhead import Cost, SpanCosts
from pytest_timestamps.recording.sites import KINDS, Site

from .support import MONITORED


@pytest.fixture(autouse=True)
def uncalibrated() -> Iterator[None]:
    """The engine with the real clock, before it has looked at its costs or met any site."""
    if ENGINE.armed:
        pytest.skip("this run records itself, and the clock can't be swapped meanwhile")
    ENGINE.use_clock(perf_counter_ns, calibrate=True)
    kinds = set(KINDS)
    KINDS.clear()
    yield
    KINDS.update(kinds)
    ENGINE.use_clock(perf_counter_ns, calibrate=True)


def test_every_way_of_recording_costs_what_the_clock_says() -> None:
    """Each read of the clock is one tick: one inside of a span, and one more around it.

    A guarded lane reads it once more, and a folded one measures what two reads bracket by itself.
    """
    ENGINE.use_clock(itertools.count().__next__, calibrate=True)
    meet_all_kinds()
    with Capture():
        ENGINE.look_at_costs()
    costs = ENGINE.costs
    for cost in (costs.code, costs.of("block")):
        assert (cost.inner_ns, cost.full_ns, cost.whole_ns) == (1.0, 2.0, 2.0)
    for cost in (costs.slow, costs.guarded_fold):
        assert (cost.inner_ns, cost.full_ns, cost.whole_ns) == (1.0, 3.0, 3.0)
    for cost in (costs.fold, costs.resumed_fold):
        assert (cost.inner_ns, cost.full_ns, cost.whole_ns) == (1.0, 2.0, 4.0)


def test_a_sample_of_generators_costs_what_the_clock_says() -> None:
    """Ignoring a suspension takes a tick, and the resumption none.

    One of the sample goes where all goes that isn't plain, and what that takes is measured there.
    """
    ENGINE.use_clock(itertools.count().__next__, calibrate=True)
    meet_all_kinds()
    # whatever it was taken for before
    kinds = dict.fromkeys(("code", "slow", "fold", "guarded fold"), Cost(0, 0))
    ENGINE.costs = SpanCosts(kinds, 0.0, ignored_ns=1_000.0)
    ENGINE.thinning.start(None)
    with Capture():
        ENGINE.look_at_costs()
    ENGINE.thinning.stop(None)
    costs = ENGINE.costs
    assert costs.ignored_ns == (1 / 2 if MONITORED else 0.0)
    # a step of the sample is plain, where it is told: nothing has to be measured each time
    assert costs.kinds["sampled, resumed"].measured_ns == 0.0 or not MONITORED
    more = costs.sampled_resumption
    # 3.11 asks once in eleven stretches whether it is time to look; forty-one count as forty else
    outer_ns = 0.0 if MONITORED else 1 / 11 - 1 / 40
    assert (more.inner_ns, more.outer_ns) == (0.0, pytest.approx(outer_ns))


SUSPENDABLE = {"suspendable code", "suspendable wrapper"}


def meet_all_kinds() -> None:
    """Have a site of each kind."""
    for kind in ("code", "wrapper", "block", *SUSPENDABLE):
        Site("any", kind)


def test_what_nobody_has_is_not_measured() -> None:
    """Kinds of spans are looked at once there are sites of them, then at once."""
    with Capture():
        ENGINE.look_at_costs()
        costs = ENGINE.costs
        assert not {"block", "wrapper", "resumed fold", *SUSPENDABLE} & set(costs.kinds)
        assert costs.kinds["block"] is costs.of("wrapper") is costs.code
        timestamp_block("one that only this test has")
        ENGINE.look_at_costs()
        assert set(ENGINE.costs.kinds) == {*costs.kinds, "block"}
        assert ENGINE.costs.code is costs.code
        Site("any", "suspendable wrapper")
        ENGINE.look_at_costs()
        assert {"resumed fold", *SUSPENDABLE} < set(ENGINE.costs.kinds)


class TickingClock:
    """Every read takes ``tick_ns``; what the program does takes what is added to ``now_ns``."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.tick_ns = 1

    def __call__(self) -> int:
        self.now_ns += self.tick_ns
        return self.now_ns


def look_again(clock: TickingClock, times: int, every_ns: int) -> int:
    """Ask for a look at the costs so often; returns how long those took that were due."""
    spent_ns = 0
    for _ in range(times):
        clock.now_ns += every_ns
        before_ns, costs = clock.now_ns, ENGINE.costs
        ENGINE.look_at_costs()
        if ENGINE.costs is not costs:
            spent_ns += clock.now_ns - before_ns
    return spent_ns


@pytest.mark.parametrize("tick_ns", [1, 7])
def test_looking_at_the_costs_takes_half_a_percent_of_the_time(tick_ns: int) -> None:
    """Whatever a look takes, the next is due after two hundred times that."""
    ENGINE.use_clock(clock := TickingClock(), calibrate=True)
    with Capture():
        ENGINE.look_at_costs()
        clock.tick_ns = tick_ns
        begun_ns = clock.now_ns
        spent_ns = look_again(clock, times=16_000, every_ns=5_000)
    assert 0.004 < spent_ns / (clock.now_ns - begun_ns) <= 0.005


def test_a_first_look_on_a_busy_machine_is_soon_forgotten() -> None:
    """Two rounds of each kind that are much cheaper than all before are enough; one is not."""
    ENGINE.use_clock(clock := TickingClock(), calibrate=True)
    clock.tick_ns = 5
    with Capture():
        ENGINE.look_at_costs()
        assert ENGINE.costs.code.full_ns == 10.0
        clock.tick_ns = 1
        kinds = len(ENGINE.costs.kinds)
        look_again(clock, times=kinds, every_ns=200_000_000)
        assert ENGINE.costs.code.full_ns == 10.0
        look_again(clock, times=kinds, every_ns=200_000_000)
        assert ENGINE.costs.code.full_ns == 2.0


def test_a_slower_clock_is_believed_by_and_by() -> None:
    """The middle of the rounds counts: a busy neighbour makes one dear, and the next not."""
    ENGINE.use_clock(clock := TickingClock(), calibrate=True)
    with Capture():
        ENGINE.look_at_costs()
        clock.tick_ns = 5
        kinds = len(ENGINE.costs.kinds)
        look_again(clock, times=2 * kinds, every_ns=200_000_000)
        assert ENGINE.costs.code.full_ns == 2.0


def test_a_pause_of_the_process_puts_no_look_off() -> None:
    """A look during which nothing ran for a second is followed by one after a fifth of one."""
    ENGINE.use_clock(clock := TickingClock(), calibrate=True)
    with Capture():
        ENGINE.look_at_costs()
        clock.tick_ns = 1_000_000_000
        look_again(clock, times=1, every_ns=200_000_000)
        clock.tick_ns = 1
        assert not look_again(clock, times=1, every_ns=199_000_000)
        assert look_again(clock, times=1, every_ns=1_000_000)


def test_all_kinds_of_spans_are_measured_again_in_their_turn() -> None:
    """When the processor gets slower, so do after a while all figures that were measured."""
    ENGINE.use_clock(clock := TickingClock(), calibrate=True)
    meet_all_kinds()
    with Capture():
        ENGINE.look_at_costs()
        before = ENGINE.costs
        clock.tick_ns = 10
        look_again(clock, times=15 * len(before.kinds), every_ns=1_000_000)
    assert len(before.kinds) > 10
    for kind, cost in before.kinds.items():
        after = ENGINE.costs.of(kind)
        assert (after.inner_ns, after.full_ns) == (10 * cost.inner_ns, 10 * cost.full_ns), kind


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
