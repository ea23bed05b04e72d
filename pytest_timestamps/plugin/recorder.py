"""What to record when: a collector for each test, and one for each fixture that outlives it.

Knows nothing of pytest; ``phases`` and ``fixtures`` call it from their hooks.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict

from pytest_timestamps.collector import Collector
from pytest_timestamps.plugin.children import Children, NoChildren
from pytest_timestamps.plugin.modules import ModuleFinder
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.results import Overhead, Recording
from pytest_timestamps.report.records import CaseRecord, FixtureRecord, Record

__all__ = ["TIMELINE_LIMIT", "CaseRecorder", "FixtureWork"]

TIMELINE_LIMIT = 1_000_000
# Tests that leave no successor after one that has gathered something between two tests.
_WARY = 8
# More than any collector runs for.
_ALL_NS = 1 << 61
# What a test has recorded that called nothing decorated: one for all of them.
_NOTHING = Recording("", 0, 0, Overhead(0, 0, 0), ())


class _TimelineArguments(TypedDict):
    timeline: bool
    timeline_limit: int


class _CaseCollector(Collector):
    """A test's collector, which may be handed on to the next test while it runs.

    Starting and stopping one costs more than a trivial test may pay, so one that has gathered
    nothing goes on, and one that has gathered something has a successor take its place at once.
    """

    recycles = True

    @property
    def freezing_ns(self) -> int:
        """What was spent on it while nobody's time was running."""
        return self._freezing_ns

    def add_freezing(self, spent_ns: int) -> None:
        """So much more was."""
        self._freezing_ns += spent_ns


class _Case:
    """The test that is running."""

    __slots__ = (
        "elsewhere_ns", "handed_out", "nodeid", "phase_start_ns", "phases_ns", "start_ns",
    )  # fmt: skip

    def __init__(self, nodeid: str, start_ns: int) -> None:
        self.nodeid = nodeid
        self.start_ns = start_ns
        self.phases_ns: dict[str, int] = {}
        self.phase_start_ns = 0
        # Time in this phase that belongs to fixtures with rows of their own.
        self.elsewhere_ns = 0
        self.handed_out = False


class FixtureWork:
    """The set-up or the teardown of a fixture, while it is going on."""

    __slots__ = (
        "collector", "elsewhere_ns", "entered_ns", "key", "name", "nodeid", "phase", "scope",
        "start_ns",
    )  # fmt: skip

    def __init__(
        self, name: str, scope: str, nodeid: str, phase: str, collector: Collector, entered_ns: int
    ) -> None:
        self.name = name
        self.scope = scope
        self.nodeid = nodeid
        self.phase = phase
        self.collector = collector
        self.key = (name, scope, nodeid)
        # From here on the time is nobody else's; the fixture's own begins with the collector.
        self.entered_ns = self.start_ns = entered_ns
        # Time of other fixtures with rows of their own that were set up in the middle of this.
        self.elsewhere_ns = 0


class CaseRecorder:
    """Makes a record of each test and each wide fixture, and hands it to ``keep``.

    ``timeline_limit`` bounds the spans kept for timelines, over all tests; 0 keeps none.
    ``keeps_running`` lets an idle collector run on from test to test, until ``close``.
    ``modules`` names those that the recorded functions are in.
    ``children`` are the processes that tests and fixtures start.
    """

    # The clocks are default values: bound when the module is imported, and out of reach of
    # libraries that replace a module's global names to fake the time.
    def __init__(
        self,
        keep: Callable[[Record], None],
        *,
        timeline_limit: int = 0,
        keeps_running: bool = True,
        modules: ModuleFinder | None = None,
        children: Children | None = None,
        clock: Callable[[], int] = time.perf_counter_ns,
        unix_clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._keep = keep
        self._modules = modules or ModuleFinder()
        self._clock = clock
        self._wants_timeline = timeline_limit > 0
        self._timeline_left = timeline_limit
        # Read once: what is added to it afterwards is the steady clock.
        self._epoch_unix_ns = unix_clock() - clock()
        self._case: _Case | None = None
        # The running test's collector; between two tests, one that may be handed on.
        self._running: _CaseCollector | None = None
        # A timeline counts from its collector's start, which has to be the test's.
        self._keeps_running = keeps_running and not self._wants_timeline
        self._wary = 0
        self._fixtures: list[FixtureWork] = []
        self._children: Children = NoChildren() if children is None else children
        self._stack_depth = 0
        # What this recorder itself has taken, and no recording tells of yet; and what of it counts
        # towards no budget yet.
        self._spent_ns = self._unpaid_ns = 0
        # When the test before was over, and how long nothing was recorded of any since.
        self._over_ns = clock()
        self._idle_ns = 0
        self._left_out_nothing = _NOTHING

    def begin_case(self, nodeid: str) -> None:
        """A test's set-up is about to start; its collector is running from here on."""
        self.finish_case()
        if not self._stack_depth:
            # Every test starts at about the same depth: one walk a session is enough.
            self._stack_depth = _stack_depth()
        case = self._case = _Case(nodeid, self._clock())
        self._idle_ns += case.start_ns - self._over_ns
        self._take_collector(case)
        self._spend(self._clock() - case.start_ns)

    def _take_collector(self, case: _Case) -> None:
        collector = self._running
        if collector is not None:
            if collector.untouched:
                collector.start_over(case.nodeid)
                return
            # What ran between two tests belongs to none. It may do so each time, and is not to
            # be recorded each time.
            self._wary = _WARY
            self._discard()
        self._running = _CaseCollector(case.nodeid, **self._timeline())
        self._running.start()

    def begin_phase(self, phase: str) -> None:
        """The test's ``setup``, ``call`` or ``teardown`` is about to start."""
        case = self._case
        if case is not None and self._running is not None:
            entered_ns = self._clock()
            self._running.section(phase)
            self._children.begin(case.nodeid, phase)
            case.elsewhere_ns = 0
            case.phases_ns[phase] = 0
            case.phase_start_ns = self._clock()
            self._spend(case.phase_start_ns - entered_ns)

    def end_phase(self, phase: str) -> None:
        """The phase has ended, whichever way."""
        case = self._case
        if case is not None and phase in case.phases_ns:
            spent_ns = self._clock() - case.phase_start_ns - case.elsewhere_ns
            case.phases_ns[phase] = max(0, spent_ns)
            self._children.end()

    def hand_out(self, nodeid: str) -> Collector | None:
        """The collector of the test that is running, for that test to ask; None for another."""
        if self._case is None or self._case.nodeid != nodeid:
            return None
        self._case.handed_out = True
        return self._running

    def finish_case(self) -> None:
        """The test is over, or was broken off: hand over what there is."""
        case, collector = self._case, self._running
        if case is None or collector is None:
            return
        self._case = None
        entered_ns = self._clock()
        freezing_ns = 0
        recorded = not self._keeps_running or case.handed_out or not collector.untouched
        if recorded:
            # The rest is pytest's own.
            collector.idle_ns = entered_ns - case.start_ns - sum(case.phases_ns.values())
            ENGINE.thinning.budget.wait(self._idle_ns + collector.idle_ns)
            self._idle_ns = 0
            self._end_collecting(collector)
            freezing_ns = collector.freezing_ns
            collector.add_freezing(self._spent_ns)
            recording = self._recording(collector)
        else:
            recording = self._nothing()
            self._idle_ns += entered_ns - case.start_ns
        self._keep_case(case, recording)
        spent_ns = max(0, self._clock() - entered_ns - freezing_ns)
        if recorded:
            self._spent_ns = 0
        self._spend(spent_ns)
        ENGINE.thinning.budget.pay_around(self._unpaid_ns, recorded)
        self._unpaid_ns = 0
        self._over_ns = self._clock()

    def _spend(self, spent_ns: int) -> None:
        self._spent_ns += spent_ns
        self._unpaid_ns += spent_ns

    def _nothing(self) -> Recording:
        """What a test has recorded that called nothing but what is left out, if anything."""
        left_out = ENGINE.thinning.cuts.left_out
        if self._left_out_nothing.left_out is not left_out:
            self._left_out_nothing = replace(_NOTHING, left_out=left_out)
        return self._left_out_nothing

    def _keep_case(self, case: _Case, recording: Recording) -> None:
        recording = self._children.collect(case.nodeid, recording)
        phases_ns = case.phases_ns
        self._keep(
            CaseRecord(
                case.nodeid,
                self._epoch_unix_ns + case.start_ns,
                phases_ns.get("setup", 0),
                phases_ns.get("call", 0),
                phases_ns.get("teardown", 0),
                self._stack_depth,
                recording,
                self._modules.new_in(recording),
            )
        )

    def _end_collecting(self, collector: _CaseCollector) -> None:
        if self._keeps_running and not self._wary:
            successor = _CaseCollector("")
            if collector.hand_over(successor):
                self._running = successor
                return
        self._wary = max(self._wary - 1, 0)
        self._stop()

    def _discard(self) -> None:
        """Stop a collector that no test has."""
        if self._running is not None:
            self._running.idle_ns = _ALL_NS
            self._stop()

    def _stop(self) -> None:
        collector, self._running = self._running, None
        # The test may have stopped it itself, or started it once more.
        while collector is not None and collector.running:
            collector.stop()

    def begin_fixture(self, name: str, scope: str, nodeid: str, phase: str) -> FixtureWork:
        """A wide fixture's ``setup`` or ``teardown`` starts; nobody else is charged for it."""
        entered_ns = self._clock()
        outer = [work.collector for work in self._fixtures]
        if self._running is not None:
            outer.append(self._running)
        collector = Collector(name, without=outer, **self._timeline())
        work = FixtureWork(name, scope, nodeid, phase, collector, entered_ns)
        self._fixtures.append(work)
        self._children.begin(work.key, phase)
        collector.start()
        collector.section(phase)
        work.start_ns = self._clock()
        return work

    def end_fixture(self, work: FixtureWork) -> None:
        """The fixture's set-up or teardown has ended, whichever way."""
        if work not in self._fixtures:
            return
        elapsed_ns = self._clock() - work.start_ns
        work.collector.stop()
        self._fixtures.remove(work)
        recording = self._recording(work.collector)
        self._children.end()
        if work.phase == "teardown":
            # What a fixture starts in its set-up lives until its teardown.
            recording = self._children.collect(work.key, recording)
        # What recording takes for itself around a fixture (milliseconds where it calibrates) is
        # as little the test's as the fixture's own time is.
        away_ns = self._clock() - work.entered_ns
        if self._fixtures:
            self._fixtures[-1].elsewhere_ns += away_ns
        elif self._case is not None:
            self._case.elsewhere_ns += away_ns
        own_ns = max(0, elapsed_ns - work.elsewhere_ns)
        setting_up = work.phase == "setup"
        self._keep(
            FixtureRecord(
                work.name,
                work.scope,
                work.nodeid,
                self._epoch_unix_ns + work.start_ns,
                int(setting_up),
                own_ns if setting_up else 0,
                0 if setting_up else own_ns,
                recording,
                self._modules.new_in(recording),
            )
        )

    def close(self) -> None:
        """The session is over: hand over whatever is still going on."""
        for work in reversed(self._fixtures):
            self.end_fixture(work)
        self.finish_case()
        self._discard()

    def _timeline(self) -> _TimelineArguments:
        # A collector keeps one span at least; ``_recording`` drops those past the limit.
        return {"timeline": self._wants_timeline, "timeline_limit": max(1, self._timeline_left)}

    def _recording(self, collector: Collector) -> Recording:
        """The collector's recording, its timeline cut to what the session may still keep."""
        recording = collector.recording()
        if not recording.timeline:
            return recording
        kept = recording.timeline[: self._timeline_left]
        self._timeline_left -= len(kept)
        cut = len(recording.timeline) - len(kept)
        if not cut:
            return recording
        return replace(recording, timeline=kept, dropped_spans=recording.dropped_spans + cut)


def _stack_depth() -> int:
    """The number of frames below the caller's caller."""
    depth = 0
    frame = sys._getframe(2).f_back
    while frame is not None:
        depth += 1
        frame = frame.f_back
    return depth
