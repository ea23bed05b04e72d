"""From records and outcomes to the session report."""

import pickle
from dataclasses import replace
from itertools import permutations

import pytest

from pytest_timestamps.analysis.timings import Timing, rank_hotspots, time_names
from pytest_timestamps.recording.results import Overhead, TimelineSpan
from pytest_timestamps.report.build import build_report
from pytest_timestamps.report.model import (
    CaseResult,
    FixtureResult,
    Phases,
    SessionSpan,
    ShardOverhead,
)
from pytest_timestamps.report.outcomes import CaseTally
from tests.samples import SESSION_ID, case, facts, fixture, path, recording, report, tally


def test_functions_are_merged_over_tests_and_fixtures() -> None:
    """One row a name, the most self time first."""
    assert report().functions == (
        Timing("shop.query", 4, 1, 4_009_000, 4_009_000, 3_000, 4_000_000, 0),
        Timing("shop.total", 1, 0, 15_000, 6_000, 15_000, 15_000, 0),
    )


def test_a_test_has_its_own_functions_and_phases() -> None:
    """Tests are sorted by node id, each with what it called itself."""
    empty, total = report().tests
    assert (empty.nodeid, empty.functions) == ("tests/test_cart.py::test_empty", ())
    assert [timing.name for timing in total.functions] == ["shop.query", "shop.total"]
    assert total.phases == Phases(1_000, 20_000, 3_000)
    assert total.phases.total_ns == 24_000


def test_reruns_are_summed() -> None:
    """All runs' time and calls count for the test."""
    made = tally("rerun")
    for phase in ("setup", "call", "teardown"):
        made.add_phase(phase, "passed")
    records = [case("t", path("f")), case("t", path("f"))]
    (test,) = build_report(facts(), {"t": made}, records).tests
    assert (test.reruns, test.outcome, test.functions[0].calls) == (1, "passed", 2)
    assert test.phases.call_ns == 40_000


def test_a_test_without_a_record_has_pytests_durations() -> None:
    """A test that ran in a process that died is listed, with what pytest knows of it."""
    crashed = CaseTally()
    crashed.add_phase("setup", "passed", 7)
    crashed.add_phase("???", "failed")
    (test,) = build_report(facts(), {"t": crashed}, []).tests
    assert (test.outcome, test.phases, test.functions) == ("error", Phases(7, 0, 0), ())


def test_a_record_without_an_outcome_is_listed_as_an_error() -> None:
    """What was recorded of a test that Ctrl-C broke off is still reported."""
    (test,) = build_report(facts(), {}, [case("t", path("f"))]).tests
    assert (test.outcome, test.functions[0].name) == ("error", "f")


def test_a_fixtures_set_up_and_teardown_make_one_row() -> None:
    """Records of one fixture on one node are added; another node's are another row."""
    records = [
        fixture("db", path("f", section="setup")),
        fixture("db", path("f", section="teardown"), setups=0, setup_ns=0, teardown_ns=6),
        fixture("db", nodeid="test_a.py", scope="module"),
    ]
    session, module = build_report(facts(), {}, records).fixtures
    assert (session.setups, session.setup_ns, session.teardown_ns) == (1, 5_000_000, 6)
    assert (session.total_ns, session.functions[0].calls) == (5_000_006, 2)
    assert (module.scope, module.nodeid, module.functions) == ("module", "test_a.py", ())


def test_the_session_counts_outcomes_and_work() -> None:
    """Outcomes are complete, zeros included; work is phases plus wide fixtures."""
    session = report().session
    assert session.outcomes == {
        "passed": 2, "failed": 0, "skipped": 0, "xfailed": 0, "xpassed": 0, "error": 0,
    }  # fmt: skip
    assert session.work_ns == 2 * 24_000 + 5_000_000
    assert (session.id, session.shards) == (SESSION_ID, (SESSION_ID,))
    assert (session.start_s, session.end_s) == (1_700_000_000.0, 1_700_000_002.0)


def test_the_overhead_is_stated_with_its_spread() -> None:
    """A median of the calibrations, the widest spread, the sum of the costs."""
    records = [
        case(name, path("f", calls=3), recording=recording(path("f", calls=3), overhead=cost))
        for name, cost in [("a", Overhead(5, 1, 15)), ("b", Overhead(9, 4, 27))]
    ]
    assert build_report(facts(), {}, records).overhead == (
        ShardOverhead(SESSION_ID, "3.13.1", 33, 5, 4, 6, 42),
    )


def test_a_session_without_tests_has_a_report() -> None:
    """Nothing ran: every figure is zero."""
    made = build_report(facts(), {}, [])
    assert (made.tests, made.functions, made.session.work_ns) == ((), (), 0)
    assert made.overhead[0].span_ns == 0


def test_the_timeline_is_on_the_sessions_clock() -> None:
    """Spans of tests and fixtures are put in order of their start, with their owner."""
    span = TimelineSpan("f", "call", 10, 30, "main", "t1")
    records = [
        case("t", recording=recording(timeline=(span,))),
        fixture("db", recording=recording(timeline=(span,))),
    ]
    assert build_report(facts(), {}, records).timeline == (
        SessionSpan("f", "db", "call", 110, 130, "main", "t1"),
        SessionSpan("f", "t", "call", 510, 530, "main", "t1"),
    )


def test_the_order_of_records_makes_no_difference() -> None:
    """xdist's workers finish in any order, and the report is the same."""
    records = [
        case("a", path("f"), path("g", parent=0)),
        case("b", path("g")),
        fixture("db", path("f", section="setup")),
        fixture("db", path("f", section="teardown"), setups=0),
    ]
    tallies = {"a": tally(), "b": tally("failed")}
    made = [build_report(facts(), tallies, order) for order in permutations(records)]
    assert all(one == made[0] for one in made)


def test_what_the_caps_left_out_is_counted() -> None:
    """Dropped spans and folded paths of all recordings are summed."""
    records = [
        case("a", recording=recording(dropped_paths=2, dropped_spans=1)),
        fixture("db", recording=recording(dropped_paths=1, dropped_spans=5)),
    ]
    made = build_report(facts(), {}, records)
    assert (made.dropped_paths, made.dropped_spans) == (3, 6)


def test_functions_of_a_test_are_those_of_its_call_tree() -> None:
    """Where they aren't given: the most self time first, also after a copy or a change."""
    tree = (path("f", self_ns=3), path("g", parent=0, self_ns=5), path("f", self_ns=1))
    test = CaseResult("t", "passed", Phases(), call_tree=tree)
    expected = rank_hotspots(time_names(tree).values(), limit=None)
    assert [timing.name for timing in expected] == ["g", "f"]
    for made in (test, replace(test, reruns=0), pickle.loads(pickle.dumps(test))):
        assert made == CaseResult("t", "passed", Phases(), expected, tree)
        assert made.functions == expected
    assert FixtureResult("db", "session", "", 1, 2, 3, call_tree=tree).functions == expected
    assert CaseResult("t", "passed", Phases(), (), tree).functions == ()


def test_a_result_has_no_other_attributes() -> None:
    """Whoever asks for one is told, as for any object."""
    with pytest.raises(AttributeError, match=r"^'CaseResult' object has no attribute 'function'$"):
        CaseResult("t", "passed", Phases()).function  # type: ignore[attr-defined] # noqa: B018
