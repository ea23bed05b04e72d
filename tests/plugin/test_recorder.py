"""Who is charged for which time: exact, on a clock that the test moves."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from pytest_timestamps import timestamp
from pytest_timestamps.collector import Collector
from pytest_timestamps.plugin import recorder as plugin_recorder
from pytest_timestamps.plugin.modules import ModuleFinder
from pytest_timestamps.plugin.recorder import CaseRecorder
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.report.records import CaseRecord, FixtureRecord, Record


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now_ns = 1_000

    def __call__(self) -> int:
        return self.now_ns

    def pass_ns(self, duration_ns: int) -> None:
        self.now_ns += duration_ns


@timestamp(name="work")
def work() -> None:
    pass


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept() -> list[Record]:
    return []


@pytest.fixture
def recorder(clock: Clock, kept: list[Record]) -> Iterator[CaseRecorder]:
    recorder = CaseRecorder(kept.append, clock=clock, unix_clock=lambda: 50_000)
    yield recorder
    # it keeps a collector running between tests, which would go on recording this suite
    recorder.close()


def phases(record: Record) -> tuple[int, int, int]:
    assert isinstance(record, CaseRecord)
    return record.setup_ns, record.call_ns, record.teardown_ns


def calls(record: Record) -> dict[tuple[str, str], int]:
    return {(row.section, row.name): row.calls for row in record.recording.paths}


def test_each_phase_has_its_time_and_its_calls(
    recorder: CaseRecorder, clock: Clock, kept: list[Record]
) -> None:
    """What lies between two phases belongs to neither."""
    recorder.begin_case("t")
    for phase, duration_ns in (("setup", 5), ("call", 70), ("teardown", 3)):
        clock.pass_ns(1_000)
        recorder.begin_phase(phase)
        work()
        clock.pass_ns(duration_ns)
        recorder.end_phase(phase)
    recorder.finish_case()
    (record,) = kept
    assert phases(record) == (5, 70, 3)
    assert calls(record) == {("setup", "work"): 1, ("call", "work"): 1, ("teardown", "work"): 1}
    assert record.start_unix_ns == 50_000


def test_a_budget_is_a_share_of_the_phases(
    recorder: CaseRecorder, clock: Clock, kept: list[Record]
) -> None:
    """What a collector runs for besides is idle; it isn't as old as tests that recorded nothing."""
    recorder.begin_case("nothing")
    recorder.begin_phase("call")
    clock.pass_ns(20)
    recorder.end_phase("call")
    recorder.finish_case()
    clock.pass_ns(300)
    recorder.begin_case("t")
    collector = recorder.hand_out("t")
    assert collector is not None
    for phase in ("setup", "call"):
        clock.pass_ns(1_000)
        recorder.begin_phase(phase)
        work()
        clock.pass_ns(70)
        recorder.end_phase(phase)
    recorder.finish_case()
    assert collector.idle_ns == 2_000


def run_test(recorder: CaseRecorder, nodeid: str, *bodies: Callable[[], object]) -> None:
    """A test that does all this in its body."""
    recorder.begin_case(nodeid)
    recorder.begin_phase("call")
    for body in bodies:
        body()
    recorder.end_phase("call")
    recorder.finish_case()


def test_what_runs_between_two_tests_is_nobodys(recorder: CaseRecorder, kept: list[Record]) -> None:
    """Whether the test before it has recorded something or nothing, once or each time."""
    for nodeid, bodies in (("one", [work]), ("two", []), ("three", [work, work]), ("four", [])):
        run_test(recorder, nodeid, *bodies)
        work()
    assert [sum(calls(record).values()) for record in kept] == [1, 0, 2, 0]


def test_after_a_test_its_collectors_successor_is_running(
    recorder: CaseRecorder, kept: list[Record]
) -> None:
    """It is the next test's: to stop one and to start another takes longer."""
    run_test(recorder, "one", work)
    spare = recorder._running
    assert spare is not None
    assert spare.running
    recorder.begin_case("two")
    assert recorder.hand_out("two") is spare
    assert spare.name == "two"


def test_where_something_runs_between_tests_no_successor_does(
    recorder: CaseRecorder, kept: list[Record]
) -> None:
    """For eight tests: it would be recorded for nobody each time."""
    for number in range(20):
        run_test(recorder, f"test {number}", work)
        recorded = recorder._running is not None
        assert recorded == (number % 9 == 0)
        work()
    assert all(calls(record) == {("call", "work"): 1} for record in kept)
    recorder.close()
    assert not ENGINE.entries


def test_what_no_test_has_pays_for_nothing(
    recorder: CaseRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time between tests, and after the last, is no part of what a budget is a share of."""
    run_test(recorder, "one", work)
    spare = recorder._running
    assert spare is not None
    work()
    recorder.close()
    assert spare.idle_ns > 10**15


def test_what_the_recorder_takes_is_recordings_cost(
    recorder: CaseRecorder, clock: Clock, kept: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told with the next test that has recorded anything, as what was spent between tests."""
    plain = recorder._modules.new_in

    def slow(*recording: object) -> tuple[str, ...]:
        clock.pass_ns(10**12)
        return plain(*recording)  # type: ignore[arg-type]

    recorder._modules.new_in = slow  # type: ignore[method-assign]
    paid: list[int] = []
    # in the recorder's eyes alone: a compiled plan's methods can't be replaced
    waited: list[int] = []
    plan = SimpleNamespace(
        cuts=ENGINE.thinning.cuts,
        budget=SimpleNamespace(
            pay_around=lambda spent_ns, recorded: paid.append(spent_ns), wait=waited.append
        ),
    )
    monkeypatch.setattr(plugin_recorder, "ENGINE", SimpleNamespace(thinning=plan))
    for name in ("one", "two"):
        recorder.begin_case(name)
        recorder.begin_phase("call")
        work()
        recorder.end_phase("call")
        recorder.finish_case()
    first, second = (record.recording.overhead.freezing_ns for record in kept)
    assert first < 10**11
    assert 9 * 10**11 < second < 11 * 10**11
    assert paid == [pytest.approx(10**12, rel=0.001)] * 2


def test_what_a_session_takes_besides_counts_towards_its_budget(
    recorder: CaseRecorder, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, between and in tests, where nothing is recorded: told with the next recorded test."""
    waited: list[int] = []
    plan = SimpleNamespace(
        cuts=ENGINE.thinning.cuts,
        budget=SimpleNamespace(pay_around=lambda spent_ns, recorded: None, wait=waited.append),
    )
    monkeypatch.setattr(plugin_recorder, "ENGINE", SimpleNamespace(thinning=plan))
    for called in (lambda: clock.pass_ns(700), work, work):
        clock.pass_ns(10_000)
        recorder.begin_case("any")
        clock.pass_ns(30)
        recorder.begin_phase("call")
        called()
        recorder.end_phase("call")
        recorder.finish_case()
    assert waited == [10_000 + 730 + 10_000 + 30, 10_000 + 30]


def test_a_wide_fixture_is_not_charged_to_the_test(
    recorder: CaseRecorder, clock: Clock, kept: list[Record]
) -> None:
    """Neither its time nor its calls, in set-up as in teardown."""
    recorder.begin_case("t")
    for phase in ("setup", "teardown"):
        recorder.begin_phase(phase)
        clock.pass_ns(5)
        fixture = recorder.begin_fixture("db", "session", "", phase)
        work()
        clock.pass_ns(900)
        recorder.end_fixture(fixture)
        clock.pass_ns(2)
        recorder.end_phase(phase)
    recorder.finish_case()
    set_up, torn_down, case = kept
    assert phases(case) == (7, 0, 7)
    assert calls(case) == {}
    assert isinstance(set_up, FixtureRecord)
    assert isinstance(torn_down, FixtureRecord)
    assert (set_up.setups, set_up.setup_ns, set_up.teardown_ns) == (1, 900, 0)
    assert (torn_down.setups, torn_down.setup_ns, torn_down.teardown_ns) == (0, 0, 900)
    assert calls(set_up) == {("setup", "work"): 1}
    assert calls(torn_down) == {("teardown", "work"): 1}


def test_a_fixture_in_a_fixture_is_charged_once(
    recorder: CaseRecorder, clock: Clock, kept: list[Record]
) -> None:
    """A wide fixture that asks for another in its middle doesn't pay for it."""
    recorder.begin_case("t")
    recorder.begin_phase("setup")
    outer = recorder.begin_fixture("outer", "module", "m.py", "setup")
    clock.pass_ns(10)
    work()
    inner = recorder.begin_fixture("inner", "session", "", "setup")
    clock.pass_ns(400)
    work()
    recorder.end_fixture(inner)
    clock.pass_ns(20)
    recorder.end_fixture(outer)
    clock.pass_ns(3)
    recorder.end_phase("setup")
    recorder.finish_case()
    first, second, case = kept
    assert isinstance(first, FixtureRecord)
    assert isinstance(second, FixtureRecord)
    assert (first.name, first.setup_ns, calls(first)) == ("inner", 400, {("setup", "work"): 1})
    assert (second.name, second.setup_ns, calls(second)) == ("outer", 30, {("setup", "work"): 1})
    assert phases(case) == (3, 0, 0)


def test_recording_a_fixture_is_charged_to_nobody(
    recorder: CaseRecorder, clock: Clock, kept: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Starting and stopping its collector takes time: neither the test's nor the fixture's."""
    for name in ("start", "stop", "recording"):
        plain = getattr(Collector, name)

        def slow(self: Collector, plain: Callable[[Collector], object] = plain) -> object:
            if self.name == "db":
                clock.pass_ns(12_000_000)
            return plain(self)

        monkeypatch.setattr(Collector, name, slow)
    recorder.begin_case("t")
    recorder.begin_phase("setup")
    fixture = recorder.begin_fixture("db", "module", "m.py", "setup")
    clock.pass_ns(500)
    recorder.end_fixture(fixture)
    clock.pass_ns(7)
    recorder.end_phase("setup")
    recorder.finish_case()
    first, case = kept
    assert isinstance(first, FixtureRecord)
    assert first.setup_ns == 500
    assert phases(case) == (7, 0, 0)


def test_a_fixture_without_a_test_is_recorded(
    recorder: CaseRecorder, clock: Clock, kept: list[Record]
) -> None:
    """After Ctrl-C session fixtures are torn down when no test is running any more."""
    fixture = recorder.begin_fixture("db", "session", "", "teardown")
    work()
    clock.pass_ns(8)
    recorder.end_fixture(fixture)
    (record,) = kept
    assert isinstance(record, FixtureRecord)
    assert (record.teardown_ns, calls(record)) == (8, {("teardown", "work"): 1})


def test_records_name_the_modules_of_their_functions(clock: Clock, kept: list[Record]) -> None:
    """A test's and a fixture's, each module once."""
    modules = ModuleFinder(imported=lambda: {"shop", "bank"})
    recorder = CaseRecorder(kept.append, clock=clock, unix_clock=lambda: 0, modules=modules)
    shop, bank = (timestamp(name=name)(lambda: None) for name in ("shop.total", "bank.pay"))
    database = recorder.begin_fixture("database", "session", "", "setup")
    shop()
    recorder.end_fixture(database)
    recorder.begin_case("t::one")
    recorder.begin_phase("call")
    shop()
    bank()
    recorder.close()
    assert [record.modules for record in kept] == [("shop",), ("bank",)]


def test_a_fixture_ends_once(recorder: CaseRecorder, kept: list[Record]) -> None:
    """A teardown that is reported twice leaves one record."""
    fixture = recorder.begin_fixture("db", "session", "", "teardown")
    recorder.end_fixture(fixture)
    recorder.end_fixture(fixture)
    assert len(kept) == 1


def test_closing_hands_over_what_is_going_on(
    recorder: CaseRecorder, clock: Clock, kept: list[Record]
) -> None:
    """A test and a fixture that were broken off are kept, with what there is of them."""
    recorder.begin_case("t")
    recorder.begin_phase("setup")
    clock.pass_ns(4)
    recorder.end_phase("setup")
    recorder.begin_phase("call")
    work()
    recorder.begin_fixture("db", "session", "", "setup")
    recorder.close()
    recorder.close()
    fixture, case = kept
    assert isinstance(fixture, FixtureRecord)
    assert phases(case) == (4, 0, 0)
    assert calls(case) == {("call", "work"): 1}


def test_a_test_that_never_ended_ends_when_the_next_begins(
    recorder: CaseRecorder, kept: list[Record]
) -> None:
    """Nothing is lost where a plugin leaves out a teardown."""
    recorder.begin_case("one")
    recorder.begin_case("two")
    recorder.finish_case()
    assert [record.nodeid for record in kept] == ["one", "two"]


def test_phases_outside_a_test_are_nobodys(recorder: CaseRecorder, kept: list[Record]) -> None:
    """Tests that aren't recorded pass the same hooks."""
    recorder.begin_phase("call")
    recorder.end_phase("call")
    recorder.finish_case()
    assert kept == []


@pytest.mark.parametrize(
    ("limit", "spans", "dropped"), [(5, [3, 2], 1), (3, [3, 0], 3), (9, [3, 3], 0)]
)
def test_the_timeline_is_bounded_for_the_session(
    clock: Clock, kept: list[Record], limit: int, spans: list[int], dropped: int
) -> None:
    """The limit counts over all tests, and what is past it is counted."""
    recorder = CaseRecorder(kept.append, timeline_limit=limit, clock=clock)
    for nodeid in ("one", "two"):
        recorder.begin_case(nodeid)
        for _ in range(3):
            work()
        recorder.finish_case()
    assert [len(record.recording.timeline) for record in kept] == spans
    assert sum(record.recording.dropped_spans for record in kept) == dropped


def test_without_a_timeline_no_span_is_kept(recorder: CaseRecorder, kept: list[Record]) -> None:
    """Memory grows with call paths unless a timeline was asked for."""
    recorder.begin_case("t")
    work()
    recorder.finish_case()
    assert kept[0].recording.timeline == ()
