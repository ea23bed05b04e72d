"""The session against a BASE: what fails, what only shows, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.conftest import Run

SUITE = """
    from shop import total

    def test_total():
        total(items={items})
"""


@pytest.fixture
def base(suite: pytest.Pytester, alone: Run) -> Callable[[int], str]:
    """Write BASE.json from a session whose test queries so often, then change the test."""

    def write(items_then: int, items_now: int = 3) -> str:
        suite.makepyfile(test_shop=SUITE.format(items=items_then))
        assert alone("--timestamps-report=json:BASE.json").ret == 0
        suite.makepyfile(test_shop=SUITE.format(items=items_now))
        return "--timestamps-compare=BASE.json"

    return write


def test_growth_fails_the_session(base: Callable[[int], str], run: Run) -> None:
    """More calls than BASE had: exit status 1 though all tests passed, in every distribution."""
    result = run(base(2), "--timestamps-fail-on=calls>+0")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*= comparison =*", "FAILED calls>+0: 2 figures over it", "function query *calls*2*3*+1*"]
    )
    result.assert_outcomes(passed=1)


def test_no_growth_passes(base: Callable[[int], str], run: Run) -> None:
    """The same calls: exit status 0, and the gate is told."""
    result = run(base(3), "--timestamps-fail-on=calls>+0,errors>0")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["passed calls>+0", "passed errors>0"])


def test_a_failed_gate_is_told_without_a_terminal(base: Callable[[int], str], alone: Run) -> None:
    """Exit status 1 after tests that all passed has to have a reason."""
    result = alone(base(2), "--timestamps-fail-on=calls>+0,errors>0", "-pno:terminal")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stderr.fnmatch_lines(["pytest-timestamps: FAILED calls>+0: 2 figures over it"])
    assert "errors" not in result.stderr.str()


def test_the_report_has_the_gates_exit_status(base: Callable[[int], str], alone: Run) -> None:
    """What pytest ends with, although the report is made before it ends."""
    option = base(2)
    for gate, status in (("calls>+0", 1), ("calls>+9", 0)):
        result = alone(option, f"--timestamps-fail-on={gate}", "--timestamps-report=json:r.json")
        assert result.ret == status
        assert json.loads(Path("r.json").read_text())["session"]["exit_status"] == status


def test_comparing_alone_fails_nothing(base: Callable[[int], str], alone: Run) -> None:
    """Without gates the comparison is for information."""
    result = alone(base(2))
    assert result.ret == 0
    result.stdout.fnmatch_lines(["counts that changed:"])


def test_limits_need_no_base(suite: pytest.Pytester, alone: Run) -> None:
    """A gate on the session's own figures works without a BASE."""
    suite.makepyfile(test_shop=SUITE.format(items=3))
    assert alone("--timestamps-fail-on=calls>3").ret == 1
    result = alone("--timestamps-fail-on=calls>4")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["No BASE: only limits on this session's own figures apply"])
    # nothing was compared, so nothing is said of changes
    result.stdout.no_fnmatch_line("No count changed*")
    result.stdout.no_fnmatch_line("*BASE*HEAD*")


def test_a_gate_is_withheld_where_the_least_decides_nothing(
    suite: pytest.Pytester, run: Run
) -> None:
    """What was seen of a function that was left out is proof, or none; that alone fails nothing."""
    suite.makepyfile(test_shop=SUITE.format(items=3))
    suite.makeconftest(
        """
        from dataclasses import replace

        def pytest_timestamps_report(report):
            return replace(report, left_out=("query",))
        """
    )
    result = run("--timestamps-fail-on=calls>2,calls>9,errors>0")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "FAILED calls>2: 2 figures over it",
            "withheld calls>9: 1 figure not known well enough, such as function query",
            "withheld errors>0: 1 figure not known well enough, such as function query",
            "function query *calls *≥3",
        ]
    )
    result = run("--timestamps-fail-on=calls>9", "--timestamps-report=json:r.json")
    assert result.ret == 0
    assert json.loads(Path("r.json").read_text())["session"]["exit_status"] == 0


def test_a_limits_figure_stands_alone(
    suite: pytest.Pytester, alone: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a BASE there are no columns for one, on the terminal and in Markdown."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    suite.makepyfile(test_shop=SUITE.format(items=3))
    result = alone("--timestamps-fail-on=calls>3", "--timestamps-report=markdown:r.md")
    result.stdout.fnmatch_lines(["what *metric *figure", "test test_shop.py::test_total *calls *4"])
    result.stdout.fnmatch_lines(
        ["markdown report: added to the job's summary", "comparison: added to the job's summary"]
    )
    text = Path("summary.md").read_text()
    assert "## Limits: a gate failed" in text
    assert "| what | metric | figure |" in text


def test_a_failed_gate_is_red(base: Callable[[int], str], alone: Run) -> None:
    """pytest's own last line is green when all tests passed: the reason has to stand out."""
    result = alone(base(2), "--timestamps-fail-on=calls>+0", "--color=yes")
    result.stdout.fnmatch_lines(["*\x1b[[]31mFAILED calls>+0: 2 figures over it*"])


def test_ini_twins_mean_the_same(
    suite: pytest.Pytester, base: Callable[[int], str], alone: Run
) -> None:
    """Both can stand in the ini file, and switch recording on from there."""
    base(2)
    suite.makeini("[pytest]\ntimestamps_compare = BASE.json\ntimestamps_fail_on = calls>+0\n")
    assert alone().ret == 1
    assert alone("--no-timestamps").ret == 0


def test_a_failing_test_keeps_its_status(base: Callable[[int], str], alone: Run) -> None:
    """A gate adds nothing to a session that failed anyway."""
    option = base(2)
    Path("test_more.py").write_text("def test_fails(): assert False\n")
    result = alone(option, "--timestamps-fail-on=calls>+0")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, failed=1)


def test_the_jobs_summary_has_the_comparison(
    base: Callable[[int], str], alone: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where Markdown is asked for, both join GitHub's summary."""
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    alone(base(2), "--timestamps-report=markdown:r.md", "--timestamps-fail-on=calls>+0")
    text = summary.read_text()
    assert text.startswith("## Where the time went")
    assert "## Compared with BASE: a gate failed" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--timestamps-compare=gone.json"], "--timestamps-compare: *gone.json: can't be read*"),
        (["--timestamps-fail-on=speed>1"], "--timestamps-fail-on: 'speed>1': unknown metric*"),
        (["--timestamps-fail-on=calls>+0"], "--timestamps-fail-on: 'calls>+0' looks at growth and "
         "there is nothing to compare with; give --timestamps-compare=BASE.json"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(
    suite: pytest.Pytester, alone: Run, options: list[str], message: str
) -> None:
    """Before any test runs, in one line."""
    suite.makepyfile(test_shop=SUITE.format(items=1))
    result = alone(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_a_base_given_twice_is_refused(base: Callable[[int], str], alone: Run) -> None:
    """A copy is no repetition of the session: it would make noise look proven."""
    option = base(2)
    result = alone(option, option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --timestamps-compare: session * occurs twice; expected*"])


def test_the_base_is_not_overwritten(base: Callable[[int], str], alone: Run) -> None:
    """Else a session that fails its gate would be the BASE by which the next one passes."""
    option = base(2)
    before = Path("BASE.json").read_bytes()
    result = alone(option, "--timestamps-report=json:./BASE.json", "--timestamps-fail-on=calls>+0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: --timestamps-report: json would overwrite *BASE.json, which the session is "
            "compared with; give it a path of its own"
        ]
    )
    assert Path("BASE.json").read_bytes() == before


def test_perfetto_records_a_timeline(
    suite: pytest.Pytester, run: Run, written: Callable[..., dict[str, Any]]
) -> None:
    """Asking for the format is asking for the timeline, in xdist's workers too."""
    suite.makepyfile(test_shop=SUITE.format(items=3))
    result = run("--timestamps-report=perfetto:trace.json")
    assert result.ret == 0
    trace = json.loads(Path("trace.json").read_text())
    names = [event["name"] for event in trace["traceEvents"] if event["ph"] == "X"]
    assert sorted(names) == ["query", "query", "query", "total"]
    result.stdout.no_fnmatch_line("*= timeline =*")
