"""How much dearer recording is in the midst of a program, and that finding out changes nothing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from time import perf_counter_ns
from typing import Any

import pytest
from hypothesis import given

from pytest_timestamps.recording import Capture, aside, in_place, timestamp
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.in_place import AT_HAND, InPlace
from pytest_timestamps.recording.scope import ORIGIN
from pytest_timestamps.recording.thinned import NEVER

from .known_programs import KNOWN_PROGRAMS
from .programs import PROGRAMS, Body
from .support import MONITORED, row
from .test_properties import compare, thoroughly

STEPS = pytest.mark.skipif(
    not MONITORED, reason="Python 3.11 tells of no suspension that could be timed in place"
)


class Ticking:
    """Every read takes ``tick_ns``, and ``at_hand_ns`` where calls follow each other.

    Where a generator is suspended or resumed it takes ``step`` times as long.
    """

    def __init__(self) -> None:
        self.now_ns = 0
        self.tick_ns = self.step = self.at_hand_ns = 1

    def __call__(self) -> int:
        frame = sys._getframe(1)
        # compiled callbacks have no frame
        is_step = frame.f_code.co_name in ("on_yield", "on_resume")
        is_step = is_step or frame.f_locals.get("name") in ("PY_YIELD", "PY_RESUME")
        self.now_ns += self.tick_ns * (self.step if is_step else 1)
        return self.now_ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ticking]:
    """The engine's, in a program that makes everything three times as dear."""
    if ENGINE.armed:
        pytest.skip("this run records itself, and the clock can't be swapped meanwhile")
    ticking = Ticking()
    put_aside = in_place.put_aside

    @contextmanager
    def cheaply(lanes: Any) -> Iterator[Any]:
        before = (ticking.tick_ns, ticking.step)
        ticking.tick_ns, ticking.step = ticking.at_hand_ns, 1
        with put_aside(lanes) as arranged:
            yield arranged
        ticking.tick_ns, ticking.step = before

    monkeypatch.setattr(in_place, "put_aside", cheaply)
    ENGINE.use_clock(ticking, calibrate=True)
    yield ticking
    ENGINE.use_clock(perf_counter_ns, calibrate=True)


def measure() -> None:
    """Begin now, as a span's end would."""
    ENGINE.in_place.do()


@timestamp(name="leaf")
def leaf() -> None:
    """Anything that is called plainly."""


@timestamp(name="caller")
def caller(calls: int) -> None:
    """A program of plain calls."""
    for _ in range(calls):
        leaf()


@timestamp(name="steps")
def steps(count: int) -> Generator[int]:
    """A generator that is resumed where it was made."""
    yield from range(count)


@timestamp(name="consumer")
def consumer(count: int) -> None:
    """A program of steps and of calls."""
    for _ in steps(count):
        leaf()


def test_what_is_dearer_in_place_costs_more(clock: Ticking) -> None:
    """All that is taken out is as many times as dear as the callbacks were."""
    with Capture():
        caller(10)
        ENGINE.look_at_costs()
        before = ENGINE.costs
        clock.tick_ns = 3
        measure()
        caller(200)
        clock.tick_ns = 1
        assert ENGINE.in_place.factors.call == 3.0
        # nothing was suspended: it is taken to be as dear as a call
        assert ENGINE.in_place.factors.step == 3.0
        ENGINE.look_at_costs()
        after = ENGINE.costs
        assert after.code.inner_ns == 3 * before.code.inner_ns > 0
        assert after.code.outer_ns == 3 * before.code.outer_ns > 0
        assert after.fold.measured_ns == before.fold.measured_ns > 0
        assert after.fold.full_ns == 3 * before.fold.full_ns > 0
        # and no other costs are made until something else is found
        ENGINE.look_at_costs()
        assert ENGINE.costs is after


@STEPS
def test_steps_have_a_factor_of_their_own(clock: Ticking) -> None:
    """A generator's suspensions and resumptions may be dearer than calls are."""
    with Capture():
        consumer(10)
        ENGINE.look_at_costs()
        before = ENGINE.costs.kinds
        clock.step = 3
        measure()
        consumer(300)
        clock.step = 1
        assert ENGINE.in_place.factors.call == 1.0
        assert ENGINE.in_place.factors.step == 3.0
        ENGINE.look_at_costs()
        after = ENGINE.costs.kinds
        assert after["code"] is before["code"]
        resumed = "suspendable code, resumed"
        assert after[resumed].full_ns == pytest.approx(3 * before[resumed].full_ns)


@STEPS
def test_where_there_are_steps_alone_these_tell_of_calls(clock: Ticking) -> None:
    """Better than nothing: both are out of the same caches."""

    @timestamp(name="loop")
    def loop() -> None:
        for _ in steps(600):
            pass

    with Capture():
        loop()
        clock.tick_ns = 2
        leaf()
        measure()
        loop()
        clock.tick_ns = 1
        assert not ENGINE.in_place._calls
        assert ENGINE.in_place.factors.call == ENGINE.in_place.factors.step == 2.0


def test_measuring_takes_itself_out(clock: Ticking, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it took in the middle of a call is nobody's time, and nobody's context."""

    @timestamp(name="program")
    def program() -> None:
        for _ in range(600):
            leaf()

    # nothing but that is taken out
    monkeypatch.setattr(ENGINE, "look_at_costs", lambda: None)
    with Capture() as capture:
        program()
        usual_ns = row(capture, "program").total_ns
        origin = ORIGIN.get()
        measure()
        before_ns = clock.now_ns
        program()
        took_ns = clock.now_ns - before_ns
        assert ORIGIN.get() is origin
        assert ENGINE.in_place.factors.call == 1.0
    counted_ns = row(capture, "program").total_ns - usual_ns
    # the clock was read twice more for each of a hundred events; what followed each other is out
    assert usual_ns + 100 < counted_ns < usual_ns + 220
    assert took_ns > counted_ns + 100


def test_the_first_events_are_let_pass(clock: Ticking) -> None:
    """What begins it has put recording's code out of the caches, or into them."""
    with Capture():
        caller(10)
        measure()
        clock.tick_ns = 3
        caller(7)
        clock.tick_ns = 1
        caller(300)
        assert ENGINE.in_place.factors.call == 1.0


def test_it_takes_half_a_percent_of_the_time(clock: Ticking) -> None:
    """On a machine on which it takes longer, it is done less often."""
    with Capture():
        caller(10)
        clock.tick_ns = clock.at_hand_ns = 10_000
        measure()
        before_ns = clock.now_ns
        caller(100)
        # some hundred reads and more, at ten microseconds each, two hundred times
        assert 200_000_000 < ENGINE.in_place.due_ns - before_ns < 800_000_000


def test_the_latest_measurements_count(clock: Ticking) -> None:
    """Fifteen of them: what a program does now says what recording costs now."""
    with Capture():
        caller(10)
        for tick_ns in (3,) * 20 + (2,) * 8:
            clock.tick_ns = tick_ns
            measure()
            caller(300)
        clock.tick_ns = 1
        assert ENGINE.in_place._calls == [3.0] * 7 + [2.0] * 8
        assert ENGINE.in_place.factors.call == 2.0


def test_an_interruption_counts_as_four_events() -> None:
    """As one that took a thousand times as long says nothing of what recording does."""
    assert in_place._typical([10] * 23 + [10_000]) == (23 * 10 + 40) / 24
    assert in_place._typical([10, 10, 30]) == 50 / 3


def test_new_paths_are_not_plain(clock: Ticking) -> None:
    """Each takes many times as long, and that is measured each time."""
    leaves = [timestamp(name=f"leaf {number}")(lambda: None) for number in range(300)]
    with Capture():
        caller(10)
        measure()
        for one in leaves:
            one()
        assert ENGINE.in_place.factors is AT_HAND


@STEPS
def test_resuming_elsewhere_is_not_plain(clock: Ticking) -> None:
    """It takes longer as well, whatever its suspensions take."""

    @timestamp(name="one")
    def one(generator: Generator[int]) -> None:
        next(generator)

    @timestamp(name="other")
    def other(generator: Generator[int]) -> None:
        next(generator)

    with Capture():
        generator = steps(1_000)
        for consume in (one, other) * 5:
            consume(generator)
        measure()
        for consume in (one, other) * 60:
            consume(generator)
        assert len(ENGINE.in_place._calls) == 1
        assert not ENGINE.in_place._steps


def test_a_program_without_steps_is_not_waited_for(clock: Ticking) -> None:
    """After a hundred events there won't be any."""
    with Capture():
        caller(10)
        measure()
        caller(40)
        assert ENGINE.in_place._measuring
        caller(20)
        assert not ENGINE.in_place._measuring


def test_a_slow_program_is_waited_for(clock: Ticking) -> None:
    """Twenty milliseconds may pass between two of its calls, and no measurement begins anew."""
    with Capture():
        caller(10)
        measure()
        for _ in range(12):
            clock.now_ns += 25_000_000
            caller(4)
        assert ENGINE.in_place._calls == [1.0]


def test_where_nothing_is_calibrated_nothing_is_measured(clock: Ticking) -> None:
    """As with a clock that a test has set."""
    ENGINE.use_clock(clock)
    with Capture():
        caller(300)
        clock.now_ns += 1_000_000_000
        caller(300)
        assert ENGINE.in_place.due_ns == NEVER
        assert ENGINE.in_place.factors is AT_HAND


def test_too_few_plain_calls_tell_nothing(clock: Ticking) -> None:
    """It gives up after some hundred events."""

    @timestamp(name="again")
    def again(depth: int) -> None:
        if depth:
            again(depth - 1)

    with Capture():
        leaf()
        clock.tick_ns = 3
        measure()
        for _ in range(3):
            again(200)
        assert ENGINE.in_place.factors is AT_HAND
        assert not ENGINE.in_place._measuring


def test_it_is_begun_by_itself(clock: Ticking) -> None:
    """Some time after arming, at the end of a call, and again after a while."""
    with Capture():
        caller(300)
        assert ENGINE.in_place.factors is AT_HAND
        clock.now_ns += 1_000_000
        caller(300)
        assert ENGINE.in_place._calls == [1.0]
        caller(300)
        assert ENGINE.in_place._calls == [1.0]
        clock.now_ns += 20_000_000
        caller(300)
        assert ENGINE.in_place._calls == [1.0, 1.0]
    # the next one is due as it was, though something else is armed anew
    for _ in range(3):
        with Capture():
            clock.now_ns += 2_000_000
            caller(300)
        assert ENGINE.in_place._calls == [1.0, 1.0]
    clock.now_ns += 20_000_000
    with Capture():
        clock.now_ns += 2_000_000
        caller(300)
        assert ENGINE.in_place._calls == [1.0] * 3


def test_calibration_is_no_program(clock: Ticking) -> None:
    """It puts measuring off, and its own calls are recorded as usual."""
    with Capture():
        caller(1)
        measure()
        caller(3)
        ENGINE.look_at_costs()
        costs = ENGINE.costs
        assert (costs.code.inner_ns, costs.code.full_ns) == (1.0, 2.0)
        assert not ENGINE.in_place._measuring
        assert ENGINE.in_place.due_ns > clock.now_ns


def test_nothing_is_left_over_after_a_capture(clock: Ticking) -> None:
    """One that stops in the midst of it leaves the usual callbacks to the next."""
    with Capture():
        caller(1)
        measure()
        caller(3)
    assert ENGINE.in_place.due_ns == NEVER
    measure()
    assert not ENGINE.in_place._measuring
    with Capture():
        clock.tick_ns = 3
        caller(300)
        assert ENGINE.in_place.factors is AT_HAND
        measure()
        caller(300)
        assert ENGINE.in_place.factors.call == 3.0


def test_an_outlier_decides_nothing(clock: Ticking) -> None:
    """The middle of the latest measurements counts, and none is taken for more than four."""
    with Capture():
        caller(1)
        for tick_ns in (1_000, 2, 2):
            clock.tick_ns = tick_ns
            measure()
            caller(300)
            # of two the lower one
            assert ENGINE.in_place.factors.call == (2.0 if tick_ns == 2 else 4.0)
        clock.tick_ns = 1
        assert ENGINE.in_place._calls == [4.0, 2.0, 2.0]


def test_a_fault_of_its_own_is_counted(clock: Ticking, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not let out into the program."""
    monkeypatch.setattr(in_place, "_was_plain", lambda *_: 1 / 0)
    faults = ENGINE.faults
    with Capture() as capture:
        caller(1)
        measure()
        caller(30)
    assert ENGINE.faults > faults
    assert row(capture, "caller/leaf").calls == 31
    ENGINE.faults = faults


def test_where_there_is_no_room_it_is_left_undone(
    clock: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Near the recursion limit: no fault, what is open stays so, and it is tried again later."""

    def overflow(*_: Any) -> None:
        raise RecursionError

    with Capture() as capture:
        caller(1)
        monkeypatch.setattr(in_place, "_keep", overflow)
        faults = ENGINE.faults
        measure()
        caller(300)
        assert ENGINE.faults == faults
        assert ENGINE.in_place.factors is AT_HAND
        assert clock.now_ns < ENGINE.in_place.due_ns < clock.now_ns + 30_000_000
    assert row(capture, "caller").calls == 2
    assert row(capture, "caller/leaf").calls == 301


@pytest.mark.parametrize(("error", "faults"), [(RecursionError(), 0), (ValueError(), 1)])
def test_where_it_can_not_be_begun_it_is_begun_later(
    clock: Ticking, monkeypatch: pytest.MonkeyPatch, error: Exception, faults: int
) -> None:
    """The program doesn't see why, and no more than that measurement is lost."""

    def fail() -> Any:
        raise error

    monkeypatch.setattr(ENGINE, "faults", 0)
    with Capture():
        caller(1)
        with monkeypatch.context() as patch:
            patch.setattr(ENGINE.in_place, "_build", fail)
            clock.now_ns += 1_000_000
            caller(3)
            assert ENGINE.faults == faults
        clock.now_ns += 20_000_000
        caller(300)
        assert ENGINE.in_place._calls == [1.0]


def test_spans_put_aside_come_back_whatever_fails(
    clock: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where there is no room to make what is recorded there."""
    with Capture() as capture:
        before = ENGINE.lanes.here().top
        with monkeypatch.context() as patch:
            patch.setattr(aside, "Scope", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError), aside.put_aside(ENGINE.lanes):
                pytest.fail("it has no place")
        assert ENGINE.lanes.here().top is before
        caller(1)
    assert row(capture, "caller/leaf").calls == 1


def test_a_capture_waits_for_another_thread_that_measures(
    clock: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is open on that thread, and put aside just then, is not missing in what it holds."""
    measuring, stopped = threading.Event(), threading.Event()
    run_calls = InPlace._run_calls

    def wait_and_run(self: InPlace, *arguments: Any) -> None:
        measuring.set()
        # in vain, as nothing stops meanwhile
        stopped.wait(0.1)
        run_calls(self, *arguments)

    monkeypatch.setattr(InPlace, "_run_calls", wait_and_run)

    @timestamp(name="held")
    def held() -> None:
        caller(300)
        stopped.wait(10)

    with Capture() as capture:
        caller(1)
        measure()
        thread = threading.Thread(target=held)
        thread.start()
        assert measuring.wait(10)
    stopped.set()
    thread.join()
    assert (row(capture, "held").calls, row(capture, "held").open) == (1, 1)


def test_nothing_begins_once_it_is_switched_off(clock: Ticking) -> None:
    """Another thread may come to begin just as recording ends: it waits, and leaves it undone."""
    faults = ENGINE.faults
    with Capture():
        caller(1)
        thread = threading.Thread(target=measure)
        with ENGINE.lock:
            thread.start()
            thread.join(0.05)
            assert not ENGINE.in_place._measuring
            ENGINE.in_place.disarm()
        thread.join()
        assert not ENGINE.in_place._measuring
    assert ENGINE.faults == faults


def test_what_a_signals_handler_raises_leaves_nothing_timed_for_good(
    clock: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it comes as the usual callbacks are set again, the next event sets them."""

    class TimeoutReached(BaseException):
        pass

    in_time = [False, True, True]

    def set_or_raise(callbacks: Any) -> None:
        if callbacks is ENGINE.in_place._usual and not in_time.pop(0):
            raise TimeoutReached
        set_callbacks(callbacks)

    with Capture() as capture:
        caller(1)
        set_callbacks: Any = ENGINE.in_place._set_callbacks
        monkeypatch.setattr(ENGINE.in_place, "_set_callbacks", set_or_raise)
        measure()
        with pytest.raises(TimeoutReached):
            caller(600)
        caller(600)
        assert ENGINE.in_place.factors.call == 1.0
        assert max(map(len, ENGINE.in_place._times.values())) < 30
        assert ENGINE.in_place.due_ns < clock.now_ns + 30_000_000
    assert row(capture, "caller").calls == 3


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure all the time, each few events anew."""
    arm = InPlace.arm

    def arm_and_begin(self: InPlace, *arguments: Any) -> None:
        arm(self, *arguments)
        self._next_at(-1)

    monkeypatch.setattr(InPlace, "arm", arm_and_begin)
    for name, value in (
        ("_PERIOD_NS", -1), ("_SHARE", 0), ("_SKIPPED", 1), ("_WANTED", 2), ("_PATIENCE", 9),
        ("_ENOUGH", 1),
    ):  # fmt: skip
        monkeypatch.setattr(in_place, name, value)


@thoroughly
@given(PROGRAMS)
def test_figures_stay_those_of_the_model(restless: None, body: Body) -> None:
    """Whatever is recorded while callbacks are timed, and whatever is open meanwhile."""
    compare((body,))


@pytest.mark.parametrize("name", KNOWN_PROGRAMS)
def test_known_programs_stay_right(restless: None, name: str) -> None:
    """Likewise."""
    compare((KNOWN_PROGRAMS[name],))
