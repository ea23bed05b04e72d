"""``pytest --timestamps`` from end to end, over no xdist, ``-n0``, ``-n2``."""

from collections.abc import Callable
from typing import Any

import pytest

from pytest_timestamps.recording.compiled import COMPILED
from pytest_timestamps.report.json_reader import load_report
from tests.plugin.conftest import Run

Written = Callable[..., dict[str, Any]]

TESTS = """
import pytest, shop

@pytest.fixture
def cart():
    shop.total(1)
    yield
    shop.query()

def test_cart(cart):
    shop.total(3)

def test_explode():
    with pytest.raises(ValueError):
        shop.explode()

def test_fails():
    shop.query()
    assert 0

@pytest.fixture
def broken():
    shop.query()
    raise LookupError

def test_error(broken):
    pass

@pytest.fixture
def broken_after():
    yield
    raise LookupError

def test_late_error(broken_after):
    shop.query()

@pytest.mark.skip
def test_skipped():
    pass

@pytest.mark.xfail
def test_xfailed():
    shop.query()
    assert 0

@pytest.mark.xfail
def test_xpassed():
    pass
"""


def calls(row: dict[str, Any]) -> dict[str, int]:
    return {function["name"]: function["calls"] for function in row["functions"]}


def test_every_test_has_its_own_calls(suite: pytest.Pytester, run: Run, written: Written) -> None:
    """Each test's set-up, body and teardown are recorded, whatever came of it."""
    suite.makepyfile(test_shop=TESTS)
    run("--timestamps-report=json").assert_outcomes(
        passed=2 + 1, failed=1, errors=2, skipped=1, xfailed=1, xpassed=1
    )
    report = written()
    tests = {row["nodeid"].partition("::")[2]: row for row in report["tests"]}
    assert {name: (row["outcome"], calls(row)) for name, row in tests.items()} == {
        "test_cart": ("passed", {"total": 2, "query": 5}),
        "test_explode": ("passed", {"explode": 1}),
        "test_fails": ("failed", {"query": 1}),
        "test_error": ("error", {"query": 1}),
        "test_late_error": ("error", {"query": 1}),
        "test_skipped": ("skipped", {}),
        "test_xfailed": ("xfailed", {"query": 1}),
        "test_xpassed": ("xpassed", {}),
    }
    assert calls(report) == {"query": 9, "total": 2, "explode": 1}
    assert next(f for f in report["functions"] if f["name"] == "explode")["errors"] == 1
    assert report["session"]["outcomes"] == {
        "passed": 2, "failed": 1, "skipped": 1, "xfailed": 1, "xpassed": 1, "error": 2,
    }  # fmt: skip
    assert load_report(suite.path / "timestamps.json").session.exit_status == 1


def test_phases_are_told_apart(suite: pytest.Pytester, alone: Run, written: Written) -> None:
    """The call tree says in which phase a function ran; a phase that did not run took 0."""
    suite.makepyfile(test_shop=TESTS)
    alone("--timestamps-report=json")
    tests = {row["nodeid"].partition("::")[2]: row for row in written()["tests"]}
    top = {(row[2], row[1]): row[4] for row in tests["test_cart"]["call_tree"] if row[0] == -1}
    assert top == {("setup", "total"): 1, ("call", "total"): 1, ("teardown", "query"): 1}
    phases = tests["test_cart"]["phases"]
    assert min(phases["setup_ns"], phases["call_ns"], phases["teardown_ns"]) > 0
    assert tests["test_error"]["phases"]["call_ns"] == 0
    assert tests["test_error"]["phases"]["setup_ns"] > 0


COLLECTORS = """
import pytest, shop
from pytest_timestamps import Collector

@pytest.fixture(scope="module")
def wide():
    with Collector("wide") as collector:
        yield collector

@pytest.fixture
def narrow():
    with Collector("narrow") as collector:
        shop.query()
        yield collector
        shop.total(0)
    assert {name: t.calls for name, t in collector.timings().items()} == {"query": 3, "total": 1}

def test_nested(timestamp_collector):
    shop.total(0)
    with Collector("nested"), timestamp_collector:
        shop.query()
    shop.total(0)

def test_narrow(narrow):
    shop.query()
    with Collector("nested"):
        shop.query()

def test_wide(wide, narrow):
    shop.query()
    shop.query()

def test_wide_again(wide, narrow):
    shop.query()
    shop.query()
"""


def test_phases_are_told_apart_whoever_gathers_besides(
    suite: pytest.Pytester, alone: Run, written: Written
) -> None:
    """A collector in a test or a fixture takes no call out of the phase it was made in."""
    suite.makepyfile(test_collectors=COLLECTORS)
    alone("--timestamps-report=json").assert_outcomes(passed=4)
    top = {
        row["nodeid"].partition("::")[2]: {
            (path[2], path[1]): path[4] for path in row["call_tree"] if path[0] == -1
        }
        for row in written()["tests"]
    }
    assert top.pop("test_nested") == {("call", "query"): 1, ("call", "total"): 2}
    phases = {("setup", "query"): 1, ("call", "query"): 2, ("teardown", "total"): 1}
    assert top == dict.fromkeys(("test_narrow", "test_wide", "test_wide_again"), phases)


def test_the_terminal_shows_hotspots_tests_and_totals(suite: pytest.Pytester, alone: Run) -> None:
    """The tables a developer asked for, and one line of totals with the overhead."""
    suite.makepyfile(test_shop=TESTS)
    alone("--timestamps").stdout.fnmatch_lines(
        [
            "=* hotspots =*",
            "function * calls * total * self * average * share * errors",
            "query * 9 *",
            "=* slowest tests =*",
            "test * total * setup * call * teardown",
            "8 tests, 12 spans of 3 functions, * in tests and fixtures*; "
            "overhead * taken out and * between tests, * of the session's wall time* a span, *",
        ]
    )


@pytest.mark.parametrize(
    ("verbosity", "shown", "hidden"),
    [
        ("-q", ["*hotspots*", "*8 tests, 12 spans*"], "*slowest tests*"),
        ("-qq", [], "*hotspots*"),
        ("-v", ["*hotspots*", "function * min * max*", "*slowest tests*"], "*nothing*"),
    ],
)
def test_verbosity_follows_pytests(
    suite: pytest.Pytester, alone: Run, verbosity: str, shown: list[str], hidden: str
) -> None:
    """-q is short, -qq is silent, -v says more."""
    suite.makepyfile(test_shop=TESTS)
    result = alone("--timestamps", verbosity)
    if shown:
        result.stdout.fnmatch_lines(shown)
    result.stdout.no_fnmatch_line(hidden)


def test_nothing_decorated_says_what_to_do(suite: pytest.Pytester, alone: Run) -> None:
    """A suite without decorated functions is told the next step."""
    suite.makepyfile("def test_empty(): pass")
    alone("--timestamps").stdout.fnmatch_lines(
        ["No decorated function was called: put @timestamp*"]
    )


def test_no_tests_are_a_report_too(suite: pytest.Pytester, alone: Run, written: Written) -> None:
    """A session that collects nothing ends as it would without the plugin."""
    assert alone("--timestamps-report=json").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert written()["tests"] == []


def test_reports_of_all_kinds_of_ids(suite: pytest.Pytester, alone: Run, written: Written) -> None:
    """A parametrized id may hold any characters; each test has a row of its own."""
    suite.makepyfile(
        """
        import pytest, shop

        @pytest.mark.parametrize("x", range(7), ids=[
            "a::b", "a/b", "<script>", "\\n\\x1b[31m", "é\\u202e", "x" * 5_000, "[]",
        ])
        def test_id(x):
            shop.query()
        """
    )
    result = alone("--timestamps-report=json", "--timestamps-per-test")
    result.assert_outcomes(passed=7)
    assert "\x1b[31m" not in result.stdout.str()
    rows = written()["tests"]
    assert [calls(row) for row in rows] == [{"query": 1}] * 7
    assert len({row["nodeid"] for row in rows}) == 7


def test_per_test_tables_and_timeline(suite: pytest.Pytester, run: Run, written: Written) -> None:
    """Both are shown when asked for, and the timeline names each span's test and phase."""
    suite.makepyfile(test_shop=TESTS)
    result = run("--timestamps-per-test", "--timestamps-timeline", "--timestamps-report=json")
    result.stdout.fnmatch_lines(
        ["=* functions by test =*", "test_shop.py::test_cart: passed, *", "=* timeline =*"]
    )
    timeline = written()["timeline"]
    strings = timeline["strings"]
    seen = [(strings[s[0]], strings[s[1]], strings[s[2]]) for s in timeline["spans"]]
    assert len(seen) == 12
    assert ("query", "test_shop.py::test_cart", "teardown") in seen
    assert all(span[3] <= span[4] for span in timeline["spans"])


def test_the_session_is_described(suite: pytest.Pytester, alone: Run, written: Written) -> None:
    """Who ran what, when, on which machine, at what cost of recording."""
    suite.makepyfile(test_shop=TESTS)
    alone("--timestamps-report=json")
    report = written()
    session = report["session"]
    assert session["shards"] == [session["id"]]
    assert session["pytest_version"] == pytest.__version__
    assert session["end_s"] - session["start_s"] == pytest.approx(
        session["duration_ns"] / 1e9, abs=1e-5
    )
    assert report["machines"][0]["python_version"] == session["python_version"]
    assert report["overhead"][0]["spans"] == 12
    assert report["overhead"][0]["compiled"] is COMPILED
    assert report["overhead"][0]["stack_depth"] > 10


def test_two_runs_have_two_ids(suite: pytest.Pytester, alone: Run, written: Written) -> None:
    """A session id names one session."""
    suite.makepyfile("def test_empty(): pass")
    ids = set()
    for _ in range(2):
        alone("--timestamps-report=json")
        ids.add(written()["session"]["id"])
    assert len(ids) == 2


def test_the_fixture_is_the_tests_collector(suite: pytest.Pytester, run: Run) -> None:
    """A test can assert what it called, set-up included."""
    suite.makepyfile(
        """
        import shop

        def test_calls(timestamp_collector):
            shop.total(2)
            timings = timestamp_collector.timings()
            assert (timings["total"].calls, timings["query"].calls) == (1, 2)
            assert timestamp_collector.name.endswith("::test_calls")

        def test_own(timestamp_collector):
            assert timestamp_collector.timings() == {}
        """
    )
    run().assert_outcomes(passed=2)


@pytest.mark.parametrize("arguments", [(), ("--timestamps",)], ids=["off", "on"])
def test_tracebacks_are_those_of_the_program(
    suite: pytest.Pytester, alone: Run, arguments: tuple[str, ...]
) -> None:
    """What pytest shows of a failure has no line of recording's own, on Python 3.11 neither."""
    suite.makepyfile(
        """
        import asyncio
        from shop import explode
        from pytest_timestamps import timestamp

        @timestamp
        async def wait():
            await asyncio.sleep(0)
            explode()

        @timestamp
        def generate():
            yield 1
            explode()

        @timestamp(name="named.{x}")
        def named(x):
            explode()

        def test_call(): explode()
        def test_coroutine(): asyncio.run(wait())
        def test_generator(): list(generate())
        def test_name(): named(1)
        """
    )
    result = alone(*arguments)
    result.assert_outcomes(failed=4)
    result.stdout.no_fnmatch_line("*pytest_timestamps*recording*")
