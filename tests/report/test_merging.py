"""Merging: any order and any grouping of the same shards gives the same bytes."""

from dataclasses import replace
from functools import reduce
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_timestamps.analysis.timings import Timing
from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.recording.results import TimelineSpan
from pytest_timestamps.report.build import build_report
from pytest_timestamps.report.json_reader import parse_report
from pytest_timestamps.report.json_writer import render_json
from pytest_timestamps.report.merging import merge_reports
from pytest_timestamps.report.model import SessionReport
from tests.runs import OBSERVED, VERIFIED
from tests.samples import case, facts, fixture, path, recording, tally


def session_id(name: str) -> str:
    """A UUID that sorts as the name does."""
    return f"{ord(name[0]):08x}-0000-4000-8000-000000000000"


def shard(name: str, *, start_s: float = 1_700_000_000.0, **more: Any) -> SessionReport:
    """A shard with a test of its own and one that all shards ran."""
    rows = (
        path("shop.total", section="call", total_ns=len(name) * 100),
        path(f"shop.{name}", parent=0, calls=2, total_ns=50),
        path(f"shop.b.{name}", parent=0, calls=1, total_ns=7),
    )
    span = TimelineSpan("shop.total", "call", 10, 20, "MainThread", "")
    # One shard's name is a package to another, and one has no names at all, as reports from before.
    modules = {"a": ("shop",), "b": ("shop", "shop.b"), "c": (), "dd": ("shop",), "e": ("shop",)}
    records = [
        case(f"tests/test_{name}.py::test_own", *rows, modules=modules[name]),
        case("tests/test_all.py::test_common", recording=recording(*rows, timeline=(span,))),
        fixture("database", path("shop.query", section="setup", total_ns=4_000)),
    ]
    outcome = "failed" if name == "b" else "passed"
    tallies = {records[0].nodeid: tally(), records[1].nodeid: tally(outcome)}
    instrumented = ("shop", f"!shop.{name}")
    session = facts(session_id(name), instrumented=instrumented)
    session = session._replace(start_s=start_s, **more)
    machine = replace(session.machine, shard=session.id)
    runs = (VERIFIED,) if name in "ab" else (OBSERVED,)
    return build_report(session._replace(machine=machine), tallies, records, runs)


SHARDS = [
    shard("a"),
    shard("b", start_s=1_699_999_990.25, exit_status=1),
    shard("c", start_s=1_700_000_003.5, pytest_version="9.1.0"),
    shard("dd", exit_status=5),
    shard("e", duration_ns=9_000_000_000),
]
ALL = render_json(merge_reports(SHARDS))


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(len(SHARDS))), st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_order_and_grouping_make_no_difference(order: list[int], joins: list[int]) -> None:
    """Shards merged in any order, two at a time in any places, read back in between."""
    reports = [SHARDS[at] for at in order]
    for join in joins:
        at = join % (len(reports) - 1)
        merged = merge_reports(reports[at : at + 2])
        reports[at : at + 2] = [parse_report(render_json(merged))]
    assert render_json(reports[0]) == ALL
    assert render_json(merge_reports([SHARDS[at] for at in order])) == ALL


def test_modules_are_those_of_all_shards() -> None:
    """What one shard knows of a name holds for the same name in the others."""
    merged = merge_reports(SHARDS)
    rows = {(row.name, row.kind): row for row in merged.modules}
    assert set(rows) == {("shop", "module"), ("shop", "package"), ("shop.b", "module")}
    assert rows["shop.b", "module"].calls == 10
    assert rows["shop", "package"].self_ns == sum(timing.self_ns for timing in merged.functions)
    assert merged.session.instrumented == (
        "!shop.a", "!shop.b", "!shop.c", "!shop.dd", "!shop.e", "shop",
    )  # fmt: skip


def test_one_report_merged_is_itself() -> None:
    """Nothing is added by merging nothing."""
    assert render_json(merge_reports([SHARDS[0]])) == render_json(SHARDS[0])


def test_figures_are_sums() -> None:
    """Calls and times are added, a test that several shards ran is one row with its worst end."""
    merged = merge_reports(SHARDS)
    calls = {timing.name: timing.calls for timing in merged.functions}
    assert calls["shop.total"] == 10
    assert calls["shop.a"] == 4
    tests = {test.nodeid: test for test in merged.tests}
    assert len(tests) == 6
    common = tests["tests/test_all.py::test_common"]
    assert (common.outcome, common.phases.call_ns) == ("failed", 100_000)
    assert merged.session.outcomes["failed"] == 1
    assert merged.fixtures[0].setups == 5
    assert [run["run_id"] for run in merged.runs] == ["run-a", "run-b"]


@pytest.mark.parametrize("flip", [False, True])
def test_what_was_not_timed_is_a_sum_too(flip: bool) -> None:
    """A shard that only counted a function adds its calls, and has no say in the extremes."""
    rows = [
        path("f", section="call", calls=9, total_ns=27, min_ns=2, max_ns=4, estimated=6),
        path("f", section="call", calls=5, total_ns=0, min_ns=0, max_ns=0, untimed=5),
    ]
    shards = [
        build_report(facts(session_id(name)), {}, [case(name, row)])
        for name, row in zip("ab", rows, strict=True)
    ]
    (merged,) = merge_reports(shards[::-1] if flip else shards).functions
    assert merged == Timing("f", 14, 0, 27, 27, 2, 4, 0, 0, estimated=6, untimed=5)
    assert merged.avg_ns == 3


def test_the_time_of_all_processes_is_added_up() -> None:
    """Of each shard its workers'; unknown of one it is unknown of all, in any order."""
    one, two, old = (
        build_report(facts(session_id(name), processes=number), {}, [])
        for name, number in (("a", 1), ("b", 4), ("c", 1))
    )
    assert merge_reports([one, two]).session.process_ns == 10_000_000_000
    old = replace(old, session=replace(old.session, process_ns=0))
    for shards in ([one, two, old], [old, two, one], [merge_reports([one, two]), old]):
        assert merge_reports(shards).session.process_ns == 0


@pytest.mark.parametrize(
    ("budgets", "merged"),
    [((0.1, 0.1), 0.1), ((0.1, 0.25), 0.25), ((0.1, None), None), ((None, None), None)],
)
def test_a_budget_is_one_of_all_shards(
    budgets: tuple[float | None, ...], merged: float | None
) -> None:
    """The largest; where one had no limit there is none, in whichever order they come."""
    shards = [
        build_report(facts(session_id(name), budget=budget), {}, [])
        for name, budget in zip("ab", budgets, strict=True)
    ]
    assert merge_reports(shards).session.budget == merged
    assert merge_reports(shards[::-1]).session.budget == merged


def test_session_covers_all_shards() -> None:
    """From the first start to the last end, with the longest wall time and the worst status."""
    session = merge_reports(SHARDS).session
    assert session.shards == tuple(map(session_id, "abcde"))
    assert (session.start_s, session.end_s) == (1_699_999_990.25, 1_700_000_009.0)
    assert session.duration_ns == 9_000_000_000
    assert session.exit_status == 1
    assert session.pytest_version == "9.1.0, 9.2.0"


def test_timelines_share_the_first_shards_clock() -> None:
    """Spans of one moment lie at one place, however much later one of the shards started."""
    spans = merge_reports(SHARDS[:2]).timeline
    assert len(spans) == 2
    assert spans[0].start_ns == spans[1].start_ns
    # Unix seconds as a float are good to a quarter of a microsecond.
    assert abs(spans[0].start_ns - 9_750_000_510) < 256


def test_threads_of_shards_are_told_apart() -> None:
    """Their main threads have one name, and would lie in one row of a timeline."""
    spans = merge_reports([merge_reports(SHARDS[:2]), SHARDS[2]]).timeline
    assert {span.thread for span in spans} == {
        f"000000{number} MainThread" for number in (61, 62, 63)
    }


def test_a_shard_without_tests_says_nothing_against_the_others() -> None:
    """Exit status 5 gives way to any other, and stays where there is no other."""
    empty, full = SHARDS[3], SHARDS[0]
    assert merge_reports([empty, full]).session.exit_status == 0
    assert merge_reports([empty]).session.exit_status == 5


@pytest.mark.parametrize(
    "reports",
    [[SHARDS[0], SHARDS[0]], [merge_reports(SHARDS[:3]), SHARDS[2]]],
    ids=["alone", "within a merged one"],
)
def test_a_session_twice_is_refused(reports: list[SessionReport]) -> None:
    """Counting a shard twice would be silent and wrong."""
    with pytest.raises(ArgumentError) as refused:
        merge_reports(reports)
    assert "occurs twice; expected reports of different sessions, each given once" in str(
        refused.value
    )


def test_nothing_to_merge_is_refused() -> None:
    """An empty list is a mistake of the caller."""
    with pytest.raises(ArgumentError, match="no report to merge; expected one or more"):
        merge_reports([])
    assert reduce(lambda one, two: merge_reports([one, two]), SHARDS).session.exit_status == 1
