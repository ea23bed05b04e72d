"""Functions of an instrumented package that are called too often to time each call."""

from collections.abc import Callable
from typing import Any

import pytest

from pytest_timestamps.recording import spending
from tests.plugin.conftest import Run

Written = Callable[..., dict[str, Any]]

TESTS, CALLS = 10, 3_000


@pytest.fixture
def busy(suite: pytest.Pytester) -> pytest.Pytester:
    """Tests that call a small function thousands of times, one that calls it, and a slow one."""
    suite.makepyfile(
        busy=f"""
        def leaf(n):
            return n * 2

        def middle(n):
            return leaf(n)

        def slow(n):
            return sum(range(n))

        def work():
            return slow(200_000) + sum(middle(n) for n in range({CALLS}))
        """,
        test_busy=f"""
        import pytest

        @pytest.mark.parametrize("number", range({TESTS}))
        def test_busy(number):
            import busy
            assert busy.work() > 0
        """,
    )
    return suite


def figures(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    none = {"estimated": 0, "untimed": 0}
    return {row["name"].removeprefix("busy."): none | row for row in report["functions"]}


def test_a_leaf_that_is_called_often_is_thinned(
    busy: pytest.Pytester, run: Run, written: Written
) -> None:
    """Every call is counted, most times are estimated, and the report says so; workers too."""
    result = run("--timestamps-instrument=busy", "--timestamps-report=json")
    result.assert_outcomes(passed=TESTS)
    found = figures(written())
    calls = {name: row["calls"] for name, row in found.items() if name[0] != "<"}
    assert calls["leaf"] == calls["middle"] == TESTS * CALLS
    assert calls["slow"] == TESTS
    assert 0 < found["leaf"]["estimated"] < TESTS * CALLS
    assert all(found[name]["estimated"] == 0 for name in ("middle", "slow"))
    assert all(row["untimed"] == 0 for row in found.values())
    result.stdout.fnmatch_lines(["~ estimated: 1 function thinned, *busy.leaf *"])


def test_a_budget_has_functions_counted_only(
    busy: pytest.Pytester, run: Run, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that call others are counted still, and the report names them.

    A session that costs as little as this one has nothing left out: it may cost more here.
    """
    monkeypatch.setattr(spending, "_LEAST_NS", 10**18)
    busy.makeconftest(
        """
        def pytest_configure(config):
            if hasattr(config, "workerinput"):
                from pytest_timestamps.recording import spending

                spending._LEAST_NS = 10**18
        """
    )
    result = run(
        "--timestamps-instrument=busy", "--timestamps-budget=0.1%", "--timestamps-report=json"
    )
    result.assert_outcomes(passed=TESTS)
    found = figures(written())
    assert found["leaf"]["calls"] == found["middle"]["calls"] == TESTS * CALLS
    assert 0 < found["middle"]["untimed"] < TESTS * CALLS
    result.stdout.fnmatch_lines(["budget 0.1% of *", "≥ counted only: *busy.middle *"])


def test_a_budget_has_functions_left_out(busy: pytest.Pytester, run: Run, written: Written) -> None:
    """What was seen of them is told as the least there was, and in how many tests they lack."""
    result = run(
        "--timestamps-instrument=busy", "--timestamps-budget=0.1%", "--timestamps-report=json"
    )
    result.assert_outcomes(passed=TESTS)
    report = written()
    found = figures(report)
    assert "busy.middle" in report["left_out"]
    assert 0 < found["middle"]["calls"] < TESTS * CALLS
    lacking = [test for test in report["tests"] if test.get("left_out")]
    # a slow machine leaves them out in the midst of the first
    assert 0 < len(lacking) <= TESTS
    assert all(
        row["name"] != "busy.middle" or test.get("left_out", 0) or row["calls"] == CALLS
        for test in report["tests"]
        for row in test["functions"]
    )
    result.stdout.fnmatch_lines(
        [
            "busy* ≥*",
            f"{TESTS} tests, ≥* spans of *",
            "budget 0.1% of *: exceeded; *",
            f"≥ left out: * functions in {len(lacking)} of {TESTS} tests, whose calls and times *"
            "busy.middle (after * calls)*",
        ]
    )
