"""``--timestamps-budget``: where it comes from, whom it reaches, and what is said of it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.plugin.conftest import Run

Written = Callable[..., dict[str, Any]]

NEEDS = (
    "ERROR: --timestamps-budget needs --timestamps-instrument=PACKAGE: it limits what recording "
    "whole packages may cost"
)


@pytest.fixture
def store(suite: pytest.Pytester) -> pytest.Pytester:
    """A module ``store``, and a test that knows the budget which recording has been given."""
    suite.makepyfile(
        store="def price(n): return n * 2",
        test_store="""
        import json, os, pathlib, store
        from pytest_timestamps.recording.engine import ENGINE

        def test_budget(pytestconfig):
            store.price(1)
            folder = pathlib.Path(pytestconfig.rootpath)
            (folder / "budget.txt").write_text(repr(ENGINE.thinning.budget.share))
        """,
    )
    return suite


def budget_in(suite: pytest.Pytester) -> str:
    return (suite.path / "budget.txt").read_text()


def test_recording_is_given_the_budget(store: pytest.Pytester, run: Run, written: Written) -> None:
    """Without xdist and in its workers; the report states it, and whether it was kept."""
    result = run(
        "--timestamps-instrument=store", "--timestamps-budget=7%", "--timestamps-report=json"
    )
    assert result.ret == 0
    assert budget_in(store) == "0.07"
    session = written()["session"]
    assert session["budget"] == 0.07
    share = session["overhead_wall_share"] / 0.07
    kept = "kept" if share <= 1.005 else "about kept" if share <= 1.1 else "exceeded; *"
    result.stdout.fnmatch_lines([f"budget 7% of *time: {kept}"])


@pytest.mark.parametrize(
    ("arguments", "processes"), [(("-p", "no:xdist"), 1), (("-n0",), 1), (("-n2",), 2)]
)
def test_the_share_of_the_session_is_that_of_all_processes(
    store: pytest.Pytester, written: Written, arguments: tuple[str, ...], processes: int
) -> None:
    """Workers run side by side: what each spends is a share of its own wall time."""
    options = ("--timestamps-instrument=store", "--timestamps-budget=900%")
    result = store.runpytest_inprocess(*arguments, *options, "--timestamps-report=json")
    assert result.ret == 0
    report = written()
    session = report["session"]
    assert session["process_ns"] == processes * session["duration_ns"]
    cost_ns = sum(one["total_ns"] + one["freezing_ns"] for one in report["overhead"])
    assert session["overhead_wall_share"] == round(cost_ns / session["process_ns"], 6)
    whose = "the session's" if processes == 1 else "all processes'"
    result = store.runpytest_inprocess(*arguments, *options)
    # what so short a test took itself may be too little to tell a share of it
    result.stdout.fnmatch_lines([f"*% of {whose} wall time*"])


def test_the_ini_twin_does_the_same(store: pytest.Pytester, alone: Run) -> None:
    """The command line's budget replaces it."""
    store.makeini("[pytest]\ntimestamps_instrument = store\ntimestamps_budget = 2.5%\n")
    assert alone().ret == 0
    assert budget_in(store) == "0.025"
    assert alone("--timestamps-budget=120%").ret == 0
    assert budget_in(store) == "1.2"


def test_without_one_there_is_no_limit(store: pytest.Pytester, alone: Run) -> None:
    """And nothing is said of a budget."""
    result = alone("--timestamps-instrument=store")
    assert budget_in(store) == "None"
    result.stdout.no_fnmatch_line("budget *")


def test_children_are_given_it_too(store: pytest.Pytester, alone: Run) -> None:
    """A Python process that a test starts keeps to the session's budget."""
    store.makepyfile(
        test_store="""
        import os, pathlib, subprocess, sys

        def test_child(pytestconfig):
            code = (
                "from pytest_timestamps.recording.engine import ENGINE;"
                "open('budget.txt', 'w').write(repr(ENGINE.thinning.budget.share))"
            )
            subprocess.run([sys.executable, "-c", code], check=True, cwd=pytestconfig.rootpath)
        """
    )
    asked = ("--timestamps-instrument=store", "--timestamps-subprocesses")
    assert alone(*asked, "--timestamps-budget=10%").ret == 0
    assert budget_in(store) == "0.1"
    assert alone(*asked).ret == 0
    assert budget_in(store) == "None"


@pytest.mark.parametrize("text", ["10", "0%", "0.0%", "-5%", "ten%", "", "10 %", "1e3%", "٣%", "%"])
def test_what_is_no_percentage_is_refused(store: pytest.Pytester, alone: Run, text: str) -> None:
    """Before any test runs, with what was given and what is expected."""
    result = alone("--timestamps-instrument=store", f"--timestamps-budget={text}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: --timestamps-budget must be a percentage above 0, such as 10% or 2.5%, "
            f"got {text!r}"
        ]
    )


def test_it_needs_something_to_limit(store: pytest.Pytester, alone: Run) -> None:
    """Given alone it is an error that says what is missing; in an ini file it waits."""
    for arguments in (("--timestamps-budget=10%",), ("--timestamps", "--timestamps-budget=10%")):
        result = alone(*arguments)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([NEEDS])
    store.makeini("[pytest]\ntimestamps_budget = 10%\n")
    assert alone().ret == 0
    result = alone("--timestamps")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("budget *")


def test_switched_off_it_is_not_looked_at(store: pytest.Pytester, alone: Run) -> None:
    """``--no-timestamps`` beats it as it beats everything."""
    assert alone("--no-timestamps", "--timestamps-budget=ten").ret == 0
