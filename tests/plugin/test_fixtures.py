"""Fixtures that outlive a test have rows of their own, over every way of distribution."""

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from pytest_timestamps.plugin.recorder import CaseRecorder
from tests.plugin.conftest import Run

Written = Callable[..., dict[str, Any]]


def calls(row: dict[str, Any]) -> dict[str, int]:
    return {function["name"]: function["calls"] for function in row["functions"]}


def rows_of(report: dict[str, Any]) -> dict[tuple[str, str], dict[str, int]]:
    """The suite's own fixtures, by name and node; other plugins may have some too."""
    return {
        (row["name"], row["nodeid"]): calls(row)
        for row in report["fixtures"]
        if row["name"] in {"session_wide", "module_wide", "class_wide", "nested", "params"}
    }


WIDE = """
import pytest, shop

@pytest.fixture(scope="session")
def session_wide():
    shop.query()
    yield
    shop.total(2)

@pytest.fixture(scope="module")
def module_wide(session_wide):
    shop.query()
    yield
    shop.explode_quietly()

@pytest.fixture(scope="class")
def class_wide(module_wide):
    shop.query()
    return 1

@pytest.fixture
def narrow(module_wide):
    shop.query()
    yield
    shop.query()

class TestOne:
    def test_first(self, class_wide, narrow):
        pass
    def test_second(self, class_wide):
        shop.total(1)
"""


@pytest.mark.parametrize("mode", [("-p", "no:xdist"), ("-n0",), ("-n2", "--dist=loadfile")])
def test_wide_fixtures_are_charged_to_no_test(
    suite: pytest.Pytester, written: Written, mode: tuple[str, ...]
) -> None:
    """Set-up and teardown of each are a row; the first and the last test have only their own."""
    with open(suite.path / "shop.py", "a") as shop:
        shop.write("\n\ndef explode_quietly():\n    try: explode()\n    except ValueError: pass\n")
    suite.makepyfile(test_wide=WIDE)
    suite.runpytest_inprocess(*mode, "--timestamps-report=json").assert_outcomes(passed=2)
    report = written()
    assert rows_of(report) == {
        ("session_wide", ""): {"query": 3, "total": 1},
        ("module_wide", "test_wide.py"): {"query": 1, "explode": 1},
        ("class_wide", "test_wide.py::TestOne"): {"query": 1},
    }
    first, second = report["tests"]
    assert calls(first) == {"query": 2}
    assert calls(second) == {"query": 1, "total": 1}
    assert calls(report) == {"query": 8, "total": 2, "explode": 1}


def test_each_kind_of_fixture_has_its_rows(
    suite: pytest.Pytester, alone: Run, written: Written
) -> None:
    """Parameters are added up, nested set-ups told apart, failures counted."""
    suite.makepyfile(
        test_kinds="""
        import pytest, shop

        @pytest.fixture(scope="session")
        def nested():
            shop.total(1)

        @pytest.fixture(scope="module", params=[1, 2])
        def params(request):
            request.getfixturevalue("nested")
            shop.query()
            yield
            shop.query()

        def test_params(params):
            pass

        @pytest.fixture(scope="module")
        def session_wide():
            shop.query()
            raise LookupError

        def test_broken(session_wide):
            pass
        """
    )
    alone("--timestamps-report=json").assert_outcomes(passed=2, errors=1)
    report = written()
    assert rows_of(report) == {
        ("nested", ""): {"total": 1, "query": 1},
        ("params", "test_kinds.py"): {"query": 4},
        ("session_wide", "test_kinds.py"): {"query": 1},
    }
    setups = {row["name"]: row["setups"] for row in report["fixtures"]}
    assert (setups["params"], setups["nested"], setups["session_wide"]) == (2, 1, 1)
    assert all(calls(test) == {} for test in report["tests"])


def test_unittests_class_fixtures_are_wide_too(
    suite: pytest.Pytester, alone: Run, written: Written
) -> None:
    """setUpClass belongs to the class, setUp to the test; module-level xunit functions as well."""
    suite.makepyfile(
        test_unit="""
        import unittest, shop

        def setup_module():
            shop.explode.__name__
            shop.query()

        class TestIt(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                shop.total(1)
            @classmethod
            def tearDownClass(cls):
                shop.total(1)
            def setUp(self):
                shop.query()
            def test_it(self):
                shop.query()
        """
    )
    alone("--timestamps-report=json").assert_outcomes(passed=1)
    report = written()
    assert calls(report["tests"][0]) == {"query": 2}
    wide = {row["scope"]: calls(row) for row in report["fixtures"] if row["functions"]}
    assert wide == {"class": {"total": 2, "query": 2}, "module": {"query": 1}}


def test_fixtures_are_shown(suite: pytest.Pytester, alone: Run) -> None:
    """The terminal has a table for them, with their functions."""
    suite.makepyfile(test_wide=WIDE.replace("shop.explode_quietly()", "pass"))
    alone("--timestamps").stdout.fnmatch_lines(
        [
            "=* class, module and session fixtures =*",
            "fixture * scope * setups * setup * teardown",
            "session_wide * session * 1 *",
        ]
    )


def test_a_fixtures_time_is_not_the_tests(
    suite: pytest.Pytester, alone: Run, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session fixture that takes long leaves the first test's phases short."""
    clock = types.ModuleType("clock")
    clock.now_ns = 0  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "clock", clock)
    monkeypatch.setitem(CaseRecorder.__init__.__kwdefaults__, "clock", lambda: clock.now_ns)
    suite.makepyfile(
        """
        import clock, pytest

        @pytest.fixture(scope="session")
        def slow():
            clock.now_ns += 50
            yield
            clock.now_ns += 70

        def test_first(slow):
            clock.now_ns += 3
        """
    )
    alone("--timestamps-report=json").assert_outcomes(passed=1)
    report = written()
    (slow,) = (row for row in report["fixtures"] if row["name"] == "slow")
    assert (slow["setup_ns"], slow["teardown_ns"]) == (50, 70)
    assert report["tests"][0]["phases"] == {"setup_ns": 0, "call_ns": 3, "teardown_ns": 0}
