"""The hooks for other plugins and conftests: their documented snippets, and broken ones."""

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from pytest_timestamps.plugin import hookspecs
from tests.plugin.conftest import Run

Written = Callable[..., dict[str, Any]]
TESTS = "import shop\ndef test_slow(): shop.total()\ndef test_fast(): shop.query()\n"


def snippet(hook: Callable[..., object]) -> str:
    """The conftest in a hook's docstring: its indented part."""
    text = inspect.getdoc(hook)
    assert text is not None
    _, _, code = text.partition("::\n\n")
    lines = code.splitlines()
    end = next(at for at, line in enumerate(lines) if line and not line.startswith("    "))
    return textwrap.dedent("\n".join(lines[:end]))


def test_a_conftest_adds_a_format(suite: pytest.Pytester, alone: Run) -> None:
    """The documented snippet works as its docstring says."""
    suite.makeconftest(snippet(hookspecs.pytest_timestamps_renderers))
    suite.makepyfile(TESTS)
    alone("--timestamps-report=names:names.txt").assert_outcomes(passed=2)
    assert sorted((suite.path / "names.txt").read_text().split()) == ["query", "total"]


def test_a_conftest_changes_the_report(suite: pytest.Pytester, run: Run, written: Written) -> None:
    """The documented snippet works, for the terminal and for files."""
    suite.makeconftest(snippet(hookspecs.pytest_timestamps_report))
    suite.makepyfile(TESTS)
    result = run("--timestamps-report=json")
    result.assert_outcomes(passed=2)
    assert [row["nodeid"].partition("::")[2] for row in written()["tests"]] == ["test_slow"]
    result.stdout.fnmatch_lines(["1 test, *"])


def test_a_plugin_hands_in_runs(suite: pytest.Pytester, run: Run, written: Written) -> None:
    """The documented snippet works, once a session also under xdist."""
    suite.makeconftest(snippet(hookspecs.pytest_timestamps_runs))
    suite.makepyfile(TESTS)
    run("--timestamps-report=json")
    assert written()["runs"] == [{"run_id": "3f2a", "framework": "default"}]


def test_a_hook_may_only_read(suite: pytest.Pytester, alone: Run) -> None:
    """A plain implementation that returns None leaves the report as it is."""
    suite.makeconftest(
        "def pytest_timestamps_report(report): print('seen', len(report.tests), 'tests')"
    )
    suite.makepyfile(TESTS)
    alone("--timestamps", "-s").stdout.fnmatch_lines(["seen 2 tests", "2 tests, 3 spans *"])


def test_hooks_may_stay_where_recording_is_off(suite: pytest.Pytester, alone: Run) -> None:
    """A conftest with our hooks is no error without the flag, and nothing calls them."""
    suite.makeconftest(
        "def pytest_timestamps_report(report): 1 / 0\n"
        "def pytest_timestamps_renderers(config): 1 / 0\n"
        "def pytest_timestamps_runs(config): 1 / 0\n"
    )
    suite.makepyfile(TESTS)
    alone().assert_outcomes(passed=2)


BROKEN = {
    "def pytest_timestamps_report(report): raise LookupError('oh')": (
        "timestamps: pytest_timestamps_report raised LookupError: oh; the report is shown unchanged"
    ),
    "import pytest\ndef pytest_timestamps_report(report): pytest.fail('no')": (
        "timestamps: pytest_timestamps_report raised Failed: no; the report is shown unchanged"
    ),
    "def pytest_timestamps_report(report): return 7": (
        "timestamps: pytest_timestamps_report returned int, expected a SessionReport or None; *"
    ),
    "def pytest_timestamps_runs(config): raise LookupError": (
        "timestamps: pytest_timestamps_runs raised LookupError: no message; no runs are reported"
    ),
    "def pytest_timestamps_runs(config): return [{1: object()}]": (
        "timestamps: the json report was not made: its renderer raised TypeError: *"
    ),
    "def pytest_timestamps_runs(config): return ['run']": (
        "timestamps: pytest_timestamps_runs returned a str, expected mappings; *"
    ),
    "import dataclasses\n"
    "def pytest_timestamps_report(report): return dataclasses.replace(report, functions=None)": (
        "timestamps: the report can't be shown: TypeError: *"
    ),
}


@pytest.mark.parametrize("conftest", BROKEN)
def test_a_broken_hook_fails_nothing(suite: pytest.Pytester, alone: Run, conftest: str) -> None:
    """Its error is a line in the terminal; the tests' outcomes and the exit code stand."""
    suite.makeconftest(conftest)
    suite.makepyfile(TESTS)
    result = alone("--timestamps-report=json")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([BROKEN[conftest]])
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


def test_a_broken_renderer_loses_no_other(suite: pytest.Pytester, alone: Run) -> None:
    """The other reports are written, and the tests' outcomes stand."""
    suite.makeconftest(
        "from pytest_timestamps.report.renderers import Renderer\n"
        "def pytest_timestamps_renderers(config):\n"
        "    return [Renderer('bad', 'x', lambda report: 1 / 0)]\n"
    )
    suite.makepyfile(TESTS)
    result = alone("--timestamps-report=bad:a.x", "--timestamps-report=json:b.json")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            f"json report: {suite.path / 'b.json'}",
            "timestamps: the bad report was not made: its renderer raised ZeroDivisionError: *",
        ]
    )
    assert not (suite.path / "a.x").exists()


def test_a_place_that_goes_away_is_told(suite: pytest.Pytester, alone: Run) -> None:
    """A path that was fine at the start and isn't at the end costs a line, not the session."""
    suite.makepyfile("import pathlib\ndef test_it(): pathlib.Path('out').write_text('')")
    result = alone("--timestamps-report=json:out/x.json")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["timestamps: the json report was not written to *: File exists"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return [Renderer('json', 'x', len)]", "two renderers are called 'json'; *"),
        ("return ['json']", "expected a *Renderer, got 'json'"),
        ("raise LookupError('oh')", "raised LookupError: oh"),
        ("return 7", "raised TypeError: 'int' object is not iterable"),
    ],
)
def test_a_format_that_cannot_be_added_stops_the_session(
    suite: pytest.Pytester, alone: Run, body: str, message: str
) -> None:
    """Before any test runs, with a message that names the hook."""
    suite.makeconftest(
        "from pytest_timestamps.report.renderers import Renderer\n"
        f"def pytest_timestamps_renderers(config): {body}\n"
    )
    suite.makepyfile(TESTS)
    result = alone("--timestamps")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: pytest_timestamps_renderers: {message}"])


def test_a_report_is_gone_when_pytest_ends(suite: pytest.Pytester) -> None:
    """Once it is shown and written nothing holds it: its rows would be walked as pytest ends."""
    suite.makeconftest(
        """
        import gc
        from pytest_timestamps.report.model import SessionReport

        def pytest_unconfigure():
            held = [one for one in gc.get_objects() if isinstance(one, SessionReport)]
            print("held:", len(held))
        """
    )
    suite.makepyfile(TESTS)
    # a process of its own: within this one, pytester would remember the hooks' arguments
    result = suite.runpytest_subprocess("--timestamps-report=json", "-s")
    result.stdout.fnmatch_lines(["held: 0"])
