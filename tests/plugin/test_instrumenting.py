"""``--timestamps-instrument``: packages that nobody has decorated, as pytest users meet them."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.plugin.conftest import Run

Written = Callable[..., dict[str, Any]]


@pytest.fixture
def store(suite: pytest.Pytester) -> pytest.Pytester:
    """A module ``store`` that knows nothing of recording, and a test that imports it late."""
    suite.makepyfile(
        store="def price(n):\n    return n * 2\n\ndef total(n):\n    return price(n) + price(n)\n",
        test_store="""
        def test_total():
            import store
            assert store.total(1) == 4

        def test_price():
            import store
            assert store.price(1) == 2
        """,
    )
    return suite


def functions(report: dict[str, Any]) -> dict[str, int]:
    return {row["name"]: row["calls"] for row in report["functions"]}


def test_every_function_is_recorded(store: pytest.Pytester, run: Run, written: Written) -> None:
    """Without xdist and with it, and in the same calls."""
    result = run("--timestamps-instrument=store", "--timestamps-report=json")
    result.assert_outcomes(passed=2)
    assert functions(written()) == {"store.price": 3, "store.total": 1}
    result.stdout.no_fnmatch_line("*no module was imported*")


def test_it_switches_recording_on_and_says_what_it_did(store: pytest.Pytester, alone: Run) -> None:
    """No other option is needed; the end of the session tells how much was instrumented."""
    result = alone("--timestamps-instrument=store")
    result.stdout.fnmatch_lines(["*hotspots*", "instrumented: 2 functions of 1 module"])


def test_the_ini_twin_does_the_same(store: pytest.Pytester, alone: Run, written: Written) -> None:
    """One pattern a line."""
    store.makeini("[pytest]\ntimestamps_instrument =\n    store\n    !store.price\n")
    alone("--timestamps-report=json").assert_outcomes(passed=2)
    assert functions(written()) == {"store.total": 1}
    assert alone("--no-timestamps").ret == 0


def test_a_pattern_without_a_module_is_named(store: pytest.Pytester, run: Run) -> None:
    """A misspelt package isn't silently nothing; the session's status stays its own."""
    result = run("--timestamps-instrument=store,stroe")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["timestamps: --timestamps-instrument: no module was imported that 'stroe' stands for"]
    )


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("!store", "instrument needs a package, module or glob to record, got '!store'; *"),
        ("src/store", "instrument expects names such as 'shop', * got 'src/store' in 'src/store'"),
        ("", "instrument expects names such as 'shop', * got '' in ''"),
    ],
)
def test_bad_patterns_are_usage_errors(
    store: pytest.Pytester, alone: Run, pattern: str, said: str
) -> None:
    """Before any test runs, with the option's name."""
    result = alone(f"--timestamps-instrument={pattern}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --timestamps-instrument: {said}"])


def test_nothing_is_left_behind(store: pytest.Pytester, alone: Run) -> None:
    """The session's end undoes it."""
    import sys

    before = list(sys.meta_path)
    alone("--timestamps-instrument=store").assert_outcomes(passed=2)
    assert sys.meta_path == before
