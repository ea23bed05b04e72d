"""What to record when: a collector for each test, and one for each fixture that outlives it.

Knows nothing of pytest; ``phases`` and ``fixtures`` call it from their hooks.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pytest_timestamps.collector import Collector
from pytest_timestamps.recording.results import Recording
from pytest_timestamps.report.records import CaseRecord, FixtureRecord, Record

__all__ = ["TIMELINE_LIMIT", "CaseRecorder", "FixtureWork"]

TIMELINE_LIMIT = 1_000_000


@dataclass(slots=True)
class _Case:
    """The test that is running."""

    nodeid: str
    collector: Collector
    start_ns: int
    stack_depth: int
    phases_ns: dict[str, int] = field(default_factory=dict)
    phase_start_ns: int = 0
    # Time in this phase that belongs to fixtures with rows of their own.
    elsewhere_ns: int = 0


@dataclass(slots=True)
class FixtureWork:
    """The set-up or the teardown of a fixture, while it is going on."""

    name: str
    scope: str
    nodeid: str
    phase: str
    collector: Collector
    start_ns: int
    # Time of other fixtures with rows of their own that were set up in the middle of this.
    elsewhere_ns: int = 0


class CaseRecorder:
    """Makes a record of each test and each wide fixture, and hands it to ``keep``.

    ``timeline_limit`` bounds the spans kept for timelines, over all tests; 0 keeps none.
    """

    # The clocks are default values: bound when the module is imported, and out of reach of
    # libraries that replace a module's global names to fake the time.
    def __init__(
        self,
        keep: Callable[[Record], None],
        *,
        timeline_limit: int = 0,
        clock: Callable[[], int] = time.perf_counter_ns,
        unix_clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._keep = keep
        self._clock = clock
        self._wants_timeline = timeline_limit > 0
        self._timeline_left = timeline_limit
        # Read once: what is added to it afterwards is the steady clock.
        self._epoch_unix_ns = unix_clock() - clock()
        self._case: _Case | None = None
        self._fixtures: list[FixtureWork] = []
        self._stack_depth = 0

    def begin_case(self, nodeid: str) -> Collector:
        """A test's set-up is about to start; its collector is running from here on."""
        self.finish_case()
        collector = self._collector(nodeid)
        if not self._stack_depth:
            # Every test starts at about the same depth: one walk a session is enough.
            self._stack_depth = _stack_depth()
        self._case = _Case(nodeid, collector, self._clock(), self._stack_depth)
        collector.start()
        return collector

    def begin_phase(self, phase: str) -> None:
        """The test's ``setup``, ``call`` or ``teardown`` is about to start."""
        case = self._case
        if case is not None:
            case.collector.section(phase)
            case.elsewhere_ns = 0
            case.phases_ns[phase] = 0
            case.phase_start_ns = self._clock()

    def end_phase(self, phase: str) -> None:
        """The phase has ended, whichever way."""
        case = self._case
        if case is not None and phase in case.phases_ns:
            spent_ns = self._clock() - case.phase_start_ns - case.elsewhere_ns
            case.phases_ns[phase] = max(0, spent_ns)

    def finish_case(self) -> None:
        """The test is over, or was broken off: hand over what there is."""
        case, self._case = self._case, None
        if case is None:
            return
        case.collector.stop()
        phases_ns = case.phases_ns
        self._keep(
            CaseRecord(
                case.nodeid,
                self._epoch_unix_ns + case.start_ns,
                phases_ns.get("setup", 0),
                phases_ns.get("call", 0),
                phases_ns.get("teardown", 0),
                case.stack_depth,
                self._recording(case.collector),
            )
        )

    def begin_fixture(self, name: str, scope: str, nodeid: str, phase: str) -> FixtureWork:
        """A wide fixture's ``setup`` or ``teardown`` starts; nobody else is charged for it."""
        outer = [work.collector for work in self._fixtures]
        if self._case is not None:
            outer.append(self._case.collector)
        collector = self._collector(name, without=outer)
        work = FixtureWork(name, scope, nodeid, phase, collector, self._clock())
        self._fixtures.append(work)
        collector.start()
        collector.section(phase)
        return work

    def end_fixture(self, work: FixtureWork) -> None:
        """The fixture's set-up or teardown has ended, whichever way."""
        if work not in self._fixtures:
            return
        elapsed_ns = self._clock() - work.start_ns
        work.collector.stop()
        self._fixtures.remove(work)
        if self._fixtures:
            self._fixtures[-1].elsewhere_ns += elapsed_ns
        elif self._case is not None:
            self._case.elsewhere_ns += elapsed_ns
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
                self._recording(work.collector),
            )
        )

    def close(self) -> None:
        """The session is over: hand over whatever is still going on."""
        for work in reversed(self._fixtures):
            self.end_fixture(work)
        self.finish_case()

    def _collector(self, name: str, without: list[Collector] | None = None) -> Collector:
        if not self._wants_timeline:
            return Collector(name, without=without or ())
        # A collector keeps one span at least; ``_recording`` drops those past the limit.
        return Collector(
            name,
            timeline=True,
            timeline_limit=max(1, self._timeline_left),
            without=without or (),
        )

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
