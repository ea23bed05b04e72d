"""pytest as people use it: other plugins, other kinds of tests, other ways to end."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.plugin.conftest import Run

Written = Callable[..., dict[str, Any]]


def calls_by_test(report: dict[str, Any]) -> dict[str, Any]:
    return {
        row["nodeid"].partition("::")[2]: (
            row["outcome"],
            {f["name"]: f["calls"] for f in row["functions"]},
        )
        for row in report["tests"]
    }


@pytest.mark.usefixtures("all_plugins")
def test_reruns_are_one_row(suite: pytest.Pytester, run: Run, written: Written) -> None:
    """The last run decides the outcome, all runs' calls and times count."""
    suite.makepyfile(
        test_flaky="""
        import shop
        runs = []

        def test_flaky():
            shop.query()
            runs.append(1)
            assert len(runs) == 3

        def test_steady():
            shop.query()

        def test_hopeless():
            shop.query()
            assert 0
        """
    )
    run("--reruns=2", "--timestamps-report=json")
    report = written()
    assert calls_by_test(report) == {
        "test_flaky": ("passed", {"query": 3}),
        "test_steady": ("passed", {"query": 1}),
        "test_hopeless": ("failed", {"query": 3}),
    }
    assert {row["nodeid"][-5:]: row["reruns"] for row in report["tests"]} == {
        "flaky": 2, "teady": 0, "eless": 2,
    }  # fmt: skip


@pytest.mark.usefixtures("all_plugins")
def test_async_tests_are_tests(suite: pytest.Pytester, written: Written) -> None:
    """pytest-asyncio and anyio run decorated coroutines, tasks included."""
    suite.makepyfile(
        test_async="""
        import asyncio, pytest
        from pytest_timestamps import timestamp

        @timestamp(name="fetch")
        async def fetch():
            await asyncio.sleep(0)

        @pytest.fixture
        async def ready():
            await fetch()

        @pytest.mark.asyncio
        async def test_asyncio():
            await asyncio.gather(fetch(), fetch())
            await fetch()

        @pytest.mark.anyio
        async def test_anyio(ready, anyio_backend_name):
            await fetch()

        @pytest.fixture
        def anyio_backend():
            return "asyncio"
        """
    )
    # In a process of its own: some versions of pytest-asyncio leave a loop open, and the warning
    # about it would fail whichever test comes next in this one.
    suite.runpytest_subprocess("--timestamps-report=json").assert_outcomes(passed=2)
    assert calls_by_test(written()) == {
        "test_asyncio": ("passed", {"fetch": 3}),
        "test_anyio": ("passed", {"fetch": 2}),
    }


def test_doctests_are_tests(suite: pytest.Pytester, alone: Run, written: Written) -> None:
    """A doctest has a row like any other test."""
    suite.makepyfile(documented='def f():\n    """\n    >>> import shop; shop.query()\n    """\n')
    alone("--doctest-modules", "documented.py", "--timestamps-report=json").assert_outcomes(
        passed=1
    )
    assert calls_by_test(written()) == {"documented.f": ("passed", {"query": 1})}


def test_subtests_belong_to_their_test(
    suite: pytest.Pytester, alone: Run, written: Written
) -> None:
    """A failed part fails the test; parts have no rows and no time of their own."""
    suite.makepyfile(
        test_parts="""
        import shop, unittest

        class TestParts(unittest.TestCase):
            def test_parts(self):
                for n in range(3):
                    with self.subTest(n=n):
                        shop.query()
                        assert n != 1

            def test_whole(self):
                for n in range(3):
                    with self.subTest(n=n):
                        shop.query()
        """
    )
    alone("--timestamps-report=json")
    if not hasattr(pytest, "Subtests"):
        pytest.skip("this pytest has no subtests of its own")
    assert calls_by_test(written()) == {
        "TestParts::test_parts": ("failed", {"query": 3}),
        "TestParts::test_whole": ("passed", {"query": 3}),
    }


def test_a_faked_clock_bends_nothing(suite: pytest.Pytester, alone: Run, written: Written) -> None:
    """freezegun, in the test and around it, leaves every figure as it was."""
    suite.makepyfile(
        test_frozen="""
        import pytest, shop
        from freezegun import freeze_time
        from pytest_timestamps import timestamp

        @timestamp(name="work")
        def work():
            # More than any calibration is inexact by.
            return sum(range(50_000))

        @pytest.fixture
        def frozen():
            with freeze_time("1999-01-01"):
                yield

        @freeze_time("2012-01-14")
        def test_frozen():
            work()

        def test_frozen_around(frozen):
            work()

        def test_replaced(monkeypatch):
            import time
            for name in ("time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic"):
                monkeypatch.setattr(time, name, lambda: -10**20)
            work()
        """
    )
    alone("--timestamps-report=json").assert_outcomes(passed=3)
    report = written()
    assert report["session"]["duration_ns"] < 60 * 10**9
    for test in report["tests"]:
        assert all(0 <= ns < 60 * 10**9 for ns in test["phases"].values())
        (work,) = test["functions"]
        assert 0 < work["total_ns"] < 60 * 10**9


def test_last_failed_and_keywords_choose_the_tests(
    suite: pytest.Pytester, alone: Run, written: Written
) -> None:
    """``--lf`` and ``-k`` select what runs, and that is what is reported."""
    suite.makepyfile(
        test_pick="import shop\ndef test_a(): shop.query()\ndef test_b(): shop.query(); assert 0\n"
    )
    alone("--timestamps-report=json")
    alone("--timestamps-report=json", "--lf")
    assert calls_by_test(written()) == {"test_b": ("failed", {"query": 1})}
    alone("--timestamps-report=json", "-k", "test_a")
    assert calls_by_test(written()) == {"test_a": ("passed", {"query": 1})}


ENDS = {
    "Ctrl-C": ("raise KeyboardInterrupt", pytest.ExitCode.INTERRUPTED),
    "pytest.exit": ("pytest.exit('enough')", pytest.ExitCode.INTERRUPTED),
    "-x": ("assert 0", pytest.ExitCode.TESTS_FAILED),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("where", ["setup", "call", "teardown"])
def test_a_broken_off_session_reports_what_it_has(
    suite: pytest.Pytester, written: Written, end: str, where: str
) -> None:
    """The tests before, the test in which it happened, and the wide fixtures' teardown."""
    statement, status = ENDS[end]
    suite.makepyfile(
        test_end=f"""
        import pytest, shop

        def end(phase):
            if phase == {where!r}:
                shop.query()
                {statement}

        @pytest.fixture(scope="session", autouse=True)
        def wide():
            yield
            shop.total(0)

        @pytest.fixture
        def around():
            end("setup")
            yield
            end("teardown")

        def test_before():
            shop.query()

        def test_end(around):
            end("call")

        def test_after():
            shop.query()
        """
    )
    # A process of its own: pytester passes an interrupt on to whoever runs pytest in this one.
    result = suite.runpytest_subprocess("-pno:xdist", "-x", "--timestamps-report=json")
    assert result.ret == status
    result.stdout.fnmatch_lines(["*hotspots*"])
    report = written()
    tests = calls_by_test(report)
    assert tests["test_before"] == ("passed", {"query": 1})
    assert tests["test_end"][1] == {"query": 1}
    assert tests["test_end"][0] == ("failed" if end == "-x" and where == "call" else "error")
    assert "test_after" not in tests
    (wide,) = (row for row in report["fixtures"] if row["name"] == "wide")
    assert [function["name"] for function in wide["functions"]] == ["total"]


ODD_ENDS = {
    "an exit status of its own": ("pytest.exit('enough', returncode=7)", "", 7),
    "an internal error": (
        "",
        "raise RuntimeError('broken plugin')",
        pytest.ExitCode.INTERNAL_ERROR,
    ),
}


@pytest.mark.parametrize("end", ODD_ENDS)
def test_an_ending_for_which_pytest_has_no_summary_is_reported(
    suite: pytest.Pytester, written: Written, end: str
) -> None:
    """The tables are shown and the files named, though pytest calls for no summary."""
    statement, failure, status = ODD_ENDS[end]
    suite.makeconftest(f"def pytest_runtest_logfinish():\n    {failure or 'pass'}\n")
    suite.makepyfile(
        test_end=f"import pytest, shop\ndef test_end():\n    shop.query()\n    {statement}\n"
    )
    result = suite.runpytest_subprocess("-pno:xdist", "--timestamps-report=json")
    assert result.ret == status
    result.stdout.fnmatch_lines(["*hotspots*", "query *", "json report: *timestamps.json"])
    assert result.stdout.str().count("hotspots") == 1
    assert calls_by_test(written())["test_end"][1] == {"query": 1}


def test_without_a_terminal_the_reports_are_written(
    suite: pytest.Pytester, alone: Run, written: Written
) -> None:
    """``-p no:terminal`` and ``--no-summary`` take the tables away, not the files."""
    suite.makepyfile(test_it="import shop\ndef test_it(): shop.query()")
    for number, switch in enumerate(["--no-summary", "-pno:terminal"]):
        alone(switch, f"--timestamps-report=json:{number}.json")
        assert calls_by_test(written(f"{number}.json")) == {"test_it": ("passed", {"query": 1})}


@pytest.mark.parametrize("switch", ["--collect-only", "--help", "--version"])
def test_where_no_test_runs_nothing_is_written(
    suite: pytest.Pytester, alone: Run, switch: str
) -> None:
    """An empty report never replaces a full one because somebody listed the tests."""
    suite.makepyfile(test_it="import shop\ndef test_it(): shop.query()")
    (suite.path / "timestamps.json").write_text("full")
    result = alone(switch, "--timestamps-report=json")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*tests and fixtures*")
    assert (suite.path / "timestamps.json").read_text() == "full"


def test_a_refused_command_line_reports_nothing(suite: pytest.Pytester, alone: Run) -> None:
    """A mistyped path leaves the last report alone."""
    (suite.path / "timestamps.json").write_text("full")
    result = alone("no_such_folder", "--timestamps-report=json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.no_fnmatch_line("*tests and fixtures*")
    assert (suite.path / "timestamps.json").read_text() == "full"


def test_a_test_may_do_anything_to_its_collector(
    suite: pytest.Pytester, alone: Run, written: Written
) -> None:
    """Stopped, started twice or kept: the session goes on, and the figures stand."""
    suite.makepyfile(
        """
        import shop
        from pytest_timestamps import Collector
        kept = []

        def test_stops(timestamp_collector):
            shop.query()
            timestamp_collector.stop()
            shop.query()

        def test_starts_again(timestamp_collector):
            timestamp_collector.start()
            shop.query()

        def test_leaves_one_running():
            kept.append(Collector("mine"))
            kept[0].start()
            shop.query()

        def test_after():
            shop.query()
            kept[0].stop()
            assert kept[0].timings()["query"].calls == 2
        """
    )
    alone("--timestamps-report=json").assert_outcomes(passed=4)
    assert calls_by_test(written()) == {
        "test_stops": ("passed", {"query": 1}),
        "test_starts_again": ("passed", {"query": 1}),
        "test_leaves_one_running": ("passed", {"query": 1}),
        "test_after": ("passed", {"query": 1}),
    }


@pytest.mark.usefixtures("all_plugins")
def test_wide_async_fixtures_have_rows(suite: pytest.Pytester, written: Written) -> None:
    """A session fixture that pytest-asyncio runs is charged to no test either."""
    if "loop_scope" not in inspect.signature(pytest_asyncio.fixture).parameters:
        pytest.skip("this pytest-asyncio can't give a test its session's loop")
    suite.makepyfile(
        """
        import pytest, pytest_asyncio
        from pytest_timestamps import timestamp

        @timestamp(name="connect")
        async def connect(): pass

        @timestamp(name="close")
        async def close(): pass

        @pytest_asyncio.fixture(scope="session", loop_scope="session")
        async def database():
            await connect()
            yield
            await close()

        @pytest.mark.asyncio(loop_scope="session")
        async def test_it(database): pass
        """
    )
    suite.runpytest_subprocess("--timestamps-report=json").assert_outcomes(passed=1)
    report = written()
    assert [calls for _, calls in calls_by_test(report).values()] == [{}]
    (database,) = (row for row in report["fixtures"] if row["name"] == "database")
    assert {row["name"] for row in database["functions"]} == {"connect", "close"}


def test_decorated_tests_fixtures_and_hooks_work(
    suite: pytest.Pytester, run: Run, written: Written
) -> None:
    """What is decorated may be pytest's own to call: each span belongs to the test it ran for."""
    suite.makeconftest(
        """
        from pytest_timestamps import timestamp

        @timestamp(name="hook")
        def pytest_runtest_setup(item): pass

        @timestamp(name="between")
        def pytest_runtest_logreport(report): pass
        """
    )
    suite.makepyfile(
        """
        import pytest
        from pytest_timestamps import timestamp

        @pytest.fixture
        @timestamp(name="fixture")
        def decorated():
            yield 7

        @timestamp(name="test")
        def test_decorated(decorated):
            assert decorated == 7

        @timestamp(name="method")
        def test_other():
            pass
        """
    )
    run("--timestamps-report=json").assert_outcomes(passed=2)
    tests = calls_by_test(written())
    for name, expected in (
        ("test_decorated", {"hook": 1, "fixture": 1, "test": 1}),
        ("test_other", {"hook": 1, "method": 1}),
    ):
        calls = tests[name][1]
        calls.pop("between", None)
        assert calls == expected
