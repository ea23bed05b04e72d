"""Merge session reports: the shards of one CI run become one report.

Every figure is a sum, a minimum, a maximum or a set, so any order and any grouping of the same
shards gives the same report, byte for byte.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from typing import TypeVar

from pytest_timestamps.analysis.merging import merge_paths
from pytest_timestamps.analysis.modules import time_modules
from pytest_timestamps.analysis.timings import Timing, rank_hotspots
from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.report.model import (
    OUTCOMES,
    CaseResult,
    FixtureResult,
    Outcome,
    Phases,
    SessionInfo,
    SessionReport,
    SessionSpan,
)

__all__ = ["check_distinct", "merge_reports"]

# The id of a merged report follows from those of its shards.
_NAMESPACE = uuid.UUID("5f0c9d3e-7f5b-4f62-9c5e-6b6d0b1f3a11")
# What a test came to that ran in several shards: the worst.
_SEVERITY: Sequence[Outcome] = ("skipped", "xfailed", "passed", "xpassed", "failed", "error")
_NO_TESTS = 5
_NANO = 1_000_000_000

_Row = TypeVar("_Row")


def merge_reports(reports: Sequence[SessionReport]) -> SessionReport:
    """One report of all; ArgumentError for no report, and for a session that occurs twice."""
    if not reports:
        raise ArgumentError("no report to merge; expected one or more")
    shards = check_distinct(reports)
    if len(reports) == 1:
        return reports[0]
    call_tree = merge_paths(report.call_tree for report in reports)
    tests = _grouped((test for r in reports for test in r.tests), lambda t: (t.nodeid,), _case)
    return SessionReport(
        session=_session([report.session for report in reports], shards, tests),
        machines=tuple(sorted(chain(*(r.machines for r in reports)), key=lambda m: m.shard)),
        overhead=tuple(sorted(chain(*(r.overhead for r in reports)), key=lambda o: o.shard)),
        functions=_functions(report.functions for report in reports),
        tests=tests,
        fixtures=_grouped(
            (fixture for report in reports for fixture in report.fixtures),
            lambda fixture: (fixture.nodeid, fixture.scope, fixture.name),
            _fixture,
        ),
        call_tree=call_tree,
        modules=time_modules(call_tree, _modules_known(reports)),
        runs=_runs(reports),
        timeline=_timeline(reports),
        dropped_paths=sum(report.dropped_paths for report in reports),
        dropped_spans=sum(report.dropped_spans for report in reports),
        left_out=tuple(sorted({name for report in reports for name in report.left_out})),
    )


def check_distinct(reports: Iterable[SessionReport]) -> list[str]:
    """The ids of all sessions in the reports, sorted; ArgumentError for one that occurs twice."""
    shards = sorted(shard for report in reports for shard in report.session.shards)
    for one, two in pairwise(shards):
        if one == two:
            raise ArgumentError(
                f"session {one} occurs twice; expected reports of different sessions, "
                "each given once, alone or within a merged one"
            )
    return shards


def _grouped(
    rows: Iterable[_Row],
    key: Callable[[_Row], tuple[str, ...]],
    merge: Callable[[Sequence[_Row]], _Row],
) -> tuple[_Row, ...]:
    groups: dict[tuple[str, ...], list[_Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return tuple(merge(groups[at]) for at in sorted(groups))


def _session(
    sessions: Sequence[SessionInfo], shards: Sequence[str], tests: Sequence[CaseResult]
) -> SessionInfo:
    """Shards run side by side, so the wall time is the longest one's."""
    outcomes = dict.fromkeys(OUTCOMES, 0)
    for test in tests:
        outcomes[test.outcome] += 1
    return SessionInfo(
        id=shards[0] if len(shards) == 1 else str(uuid.uuid5(_NAMESPACE, " ".join(shards))),
        shards=tuple(shards),
        start_s=min(session.start_s for session in sessions),
        end_s=max(session.end_s for session in sessions),
        duration_ns=max(session.duration_ns for session in sessions),
        work_ns=sum(session.work_ns for session in sessions),
        outcomes={str(outcome): number for outcome, number in outcomes.items()},
        exit_status=_exit_status([session.exit_status for session in sessions]),
        pytest_version=_versions(session.pytest_version for session in sessions),
        plugin_version=_versions(session.plugin_version for session in sessions),
        python_version=_versions(session.python_version for session in sessions),
        instrumented=tuple(sorted({one for session in sessions for one in session.instrumented})),
        budget=_budget([session.budget for session in sessions]),
        process_ns=_process_ns([session.process_ns for session in sessions]),
    )


def _process_ns(times_ns: Sequence[int]) -> int:
    """All together; unknown for one is unknown for all."""
    return sum(times_ns) if all(times_ns) else 0


def _budget(budgets: Sequence[float | None]) -> float | None:
    """The largest; no limit for one is none for all."""
    known = [budget for budget in budgets if budget is not None]
    return max(known) if len(known) == len(budgets) else None


def _exit_status(statuses: Sequence[int]) -> int:
    """The worst; a shard without any test says nothing against the others."""
    return max(statuses, key=lambda status: -1 if status == _NO_TESTS else status)


def _versions(versions: Iterable[str]) -> str:
    """All versions, each once."""
    return ", ".join(sorted({one for version in versions for one in version.split(", ")}))


def _modules_known(reports: Iterable[SessionReport]) -> set[str]:
    return {row.name for report in reports for row in report.modules if row.kind == "module"}


def _functions(tables: Iterable[Sequence[Timing]]) -> tuple[Timing, ...]:
    sums: dict[str, Timing] = {}
    for timing in chain.from_iterable(tables):
        known = sums.get(timing.name)
        sums[timing.name] = timing if known is None else _both(known, timing)
    return rank_hotspots(sums.values(), limit=None)


def _both(one: Timing, two: Timing) -> Timing:
    """Two rows of one name; a row without a timed call has no shortest and no longest."""
    timed = [timing for timing in (one, two) if timing.timed > 0] or [one]
    return Timing(
        one.name,
        one.calls + two.calls,
        one.errors + two.errors,
        one.total_ns + two.total_ns,
        one.self_ns + two.self_ns,
        min(timing.min_ns for timing in timed),
        max(timing.max_ns for timing in timed),
        one.suspended_ns + two.suspended_ns,
        one.open + two.open,
        one.estimated + two.estimated,
        one.untimed + two.untimed,
    )


def _case(rows: Sequence[CaseResult]) -> CaseResult:
    if len(rows) == 1:
        return rows[0]
    return CaseResult(
        nodeid=rows[0].nodeid,
        outcome=max((row.outcome for row in rows), key=_SEVERITY.index),
        phases=Phases(
            sum(row.phases.setup_ns for row in rows),
            sum(row.phases.call_ns for row in rows),
            sum(row.phases.teardown_ns for row in rows),
        ),
        functions=_functions(row.functions for row in rows),
        call_tree=merge_paths(row.call_tree for row in rows),
        reruns=sum(row.reruns for row in rows),
        left_out=max(row.left_out for row in rows),
    )


def _fixture(rows: Sequence[FixtureResult]) -> FixtureResult:
    if len(rows) == 1:
        return rows[0]
    return replace(
        rows[0],
        setups=sum(row.setups for row in rows),
        setup_ns=sum(row.setup_ns for row in rows),
        teardown_ns=sum(row.teardown_ns for row in rows),
        functions=_functions(row.functions for row in rows),
        call_tree=merge_paths(row.call_tree for row in rows),
        left_out=max(row.left_out for row in rows),
    )


def _runs(reports: Sequence[SessionReport]) -> tuple[dict[str, object], ...]:
    """All runs by id, keys sorted; one that several shards list alike is listed once."""
    texts = {json.dumps(run, sort_keys=True) for report in reports for run in report.runs}
    runs = [json.loads(text) for text in sorted(texts)]
    return tuple(sorted(runs, key=lambda run: str(run.get("run_id", ""))))


def _timeline(reports: Sequence[SessionReport]) -> tuple[SessionSpan, ...]:
    """All spans on one clock, that of the first shard to start, each in a thread of its shard."""
    start_ns = min(round(report.session.start_s * _NANO) for report in reports)
    spans: list[SessionSpan] = []
    for report in reports:
        later_ns = round(report.session.start_s * _NANO) - start_ns
        shards = report.session.shards
        # Those of a merged report have been told apart already.
        shard = f"{shards[0][:8]} " if len(shards) == 1 else ""
        spans += [
            span._replace(
                start_ns=span.start_ns + later_ns,
                end_ns=span.end_ns + later_ns,
                thread=f"{shard}{span.thread}",
            )
            for span in report.timeline
        ]
    return tuple(sorted(spans, key=lambda span: (span.start_ns, -span.end_ns, span)))
