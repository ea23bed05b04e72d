"""From records and outcomes to the frozen session report."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pytest_timestamps.analysis.merging import merge_paths
from pytest_timestamps.analysis.modules import time_modules
from pytest_timestamps.analysis.timings import rank_names
from pytest_timestamps.recording.results import PathStats, Recording
from pytest_timestamps.recording.rows import columns_of
from pytest_timestamps.report.model import (
    OUTCOMES,
    CaseResult,
    FixtureResult,
    Machine,
    Phases,
    SessionInfo,
    SessionReport,
    SessionSpan,
    ShardOverhead,
)
from pytest_timestamps.report.outcomes import CaseTally
from pytest_timestamps.report.records import CaseRecord, FixtureRecord, Record

__all__ = ["SessionFacts", "build_report"]


class SessionFacts(NamedTuple):
    """What only the running session knows, handed to ``build_report``.

    ``processes`` is how many ran tests side by side.
    """

    id: str
    start_s: float
    duration_ns: int
    exit_status: int
    pytest_version: str
    plugin_version: str
    machine: Machine
    instrumented: tuple[str, ...] = ()
    budget: float | None = None
    compiled: bool = False
    processes: int = 1


def build_report(
    facts: SessionFacts,
    tallies: Mapping[str, CaseTally],
    records: Iterable[Record],
    runs: Sequence[Mapping[str, object]] = (),
) -> SessionReport:
    """The report of one session; the order of records and tallies makes no difference."""
    records = list(records)
    cases: dict[str, list[CaseRecord]] = {nodeid: [] for nodeid in tallies}
    fixtures: dict[tuple[str, str, str], list[FixtureRecord]] = {}
    for record in records:
        if isinstance(record, CaseRecord):
            cases.setdefault(record.nodeid, []).append(record)
        else:
            key = record.nodeid, record.scope, record.name
            fixtures.setdefault(key, []).append(record)
    tests = tuple(
        _case(nodeid, tallies.get(nodeid) or CaseTally(), cases[nodeid]) for nodeid in sorted(cases)
    )
    wide = tuple(_fixture(fixtures[key]) for key in sorted(fixtures))
    recordings = [record.recording for record in records]
    # Merging what is merged already is the same sum over fewer rows.
    call_tree = merge_paths(
        [
            *(test.call_tree for test in tests if test.call_tree),
            *(fixture.call_tree for fixture in wide),
        ]
    )
    return SessionReport(
        session=_session(facts, tests, wide),
        machines=(facts.machine,),
        overhead=(_overhead(facts, records, spans=sum(columns_of(call_tree).calls)),),
        functions=rank_names(call_tree),
        tests=tests,
        fixtures=wide,
        call_tree=call_tree,
        modules=time_modules(call_tree, {name for one in records for name in one.modules}),
        runs=tuple(runs),
        timeline=_timeline(records, round(facts.start_s * 1_000_000_000)),
        dropped_paths=sum(recording.dropped_paths for recording in recordings),
        dropped_spans=sum(recording.dropped_spans for recording in recordings),
        left_out=_left_out(recordings),
    )


def _left_out(recordings: Iterable[Recording]) -> tuple[str, ...]:
    """The names that any of them lacks; most of them share their tuples."""
    different = {id(one.left_out): one.left_out for one in recordings}
    return tuple(sorted({name for names in different.values() for name in names}))


def _paths_of(recordings: Sequence[Recording]) -> Sequence[PathStats]:
    """The paths of several recordings of one owner; a single one's are taken as they are."""
    return recordings[0].paths if len(recordings) == 1 else merge_paths(r.paths for r in recordings)


def _case(nodeid: str, tally: CaseTally, records: Sequence[CaseRecord]) -> CaseResult:
    """A test's row; a test that left no record (a crash, a fork) has pytest's durations."""
    if len(records) == 1:
        _, _, setup_ns, call_ns, teardown_ns, *_ = records[0]
        phases = Phases(setup_ns, call_ns, teardown_ns)
    elif records:
        phases = Phases(
            sum(record.setup_ns for record in records),
            sum(record.call_ns for record in records),
            sum(record.teardown_ns for record in records),
        )
    else:
        phases = Phases(tally.setup_ns, tally.call_ns, tally.teardown_ns)
    paths = _paths_of([record.recording for record in records])
    return CaseResult(
        nodeid=nodeid,
        outcome=tally.final(),
        phases=phases,
        call_tree=paths,
        reruns=tally.reruns,
        left_out=_most_left_out(records),
    )


def _fixture(records: Sequence[FixtureRecord]) -> FixtureResult:
    first = records[0]
    paths = _paths_of([record.recording for record in records])
    return FixtureResult(
        name=first.name,
        scope=first.scope,
        nodeid=first.nodeid,
        setups=sum(record.setups for record in records),
        setup_ns=sum(record.setup_ns for record in records),
        teardown_ns=sum(record.teardown_ns for record in records),
        call_tree=paths,
        left_out=_most_left_out(records),
    )


def _most_left_out(records: Iterable[Record]) -> int:
    return max((len(record.recording.left_out) for record in records), default=0)


def _session(
    facts: SessionFacts, tests: Sequence[CaseResult], fixtures: Sequence[FixtureResult]
) -> SessionInfo:
    outcomes = dict.fromkeys(OUTCOMES, 0)
    for test in tests:
        outcomes[test.outcome] += 1
    return SessionInfo(
        id=facts.id,
        shards=(facts.id,),
        start_s=facts.start_s,
        end_s=facts.start_s + facts.duration_ns / 1_000_000_000,
        duration_ns=facts.duration_ns,
        work_ns=sum(test.phases.total_ns for test in tests)
        + sum(fixture.total_ns for fixture in fixtures),
        outcomes={str(outcome): number for outcome, number in outcomes.items()},
        exit_status=facts.exit_status,
        pytest_version=facts.pytest_version,
        plugin_version=facts.plugin_version,
        python_version=facts.machine.python_version,
        instrumented=tuple(sorted(set(facts.instrumented))),
        budget=facts.budget,
        process_ns=facts.duration_ns * facts.processes,
    )


def _overhead(facts: SessionFacts, records: Sequence[Record], spans: int) -> ShardOverhead:
    """One shard's overhead; the calibration is repeated as the clock drifts, hence medians."""
    recordings = [record.recording for record in records]
    # A test that recorded nothing may not have been calibrated for.
    calibrated = [recording.overhead for recording in recordings if recording.paths]
    span_costs = sorted(cost.span_ns for cost in calibrated) or [0]
    return ShardOverhead(
        shard=facts.id,
        python_version=facts.machine.python_version,
        stack_depth=max(
            (record.stack_depth for record in records if isinstance(record, CaseRecord)), default=0
        ),
        span_ns=span_costs[(len(span_costs) - 1) // 2],
        spread_ns=max((cost.spread_ns for cost in calibrated), default=0),
        spans=spans,
        total_ns=sum(recording.overhead.total_ns for recording in recordings),
        freezing_ns=sum(recording.overhead.freezing_ns for recording in recordings),
        compiled=facts.compiled,
    )


def _timeline(records: Iterable[Record], start_unix_ns: int) -> tuple[SessionSpan, ...]:
    """All records' spans on the session's clock, by start."""
    spans = [
        SessionSpan(
            span.name,
            record.nodeid if isinstance(record, CaseRecord) else record.name,
            span.section,
            record.start_unix_ns - start_unix_ns + span.start_ns,
            record.start_unix_ns - start_unix_ns + span.end_ns,
            span.thread,
            span.task,
        )
        for record in records
        for span in record.recording.timeline
    ]
    return tuple(sorted(spans, key=lambda span: (span.start_ns, -span.end_ns, span)))
