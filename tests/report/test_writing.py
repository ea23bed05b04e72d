"""Writing all reports: one that fails costs no other, and the job's summary has a limit."""

from pathlib import Path

import pytest

from pytest_timestamps.errors import ReportFileError
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.renderers import BUILT_IN, Renderer
from pytest_timestamps.report.step_summary import SUMMARY_LIMIT_BYTES, append_summary
from pytest_timestamps.report.targets import ReportTarget
from pytest_timestamps.report.writing import write_reports
from tests.samples import report

MARKDOWN = next(renderer for renderer in BUILT_IN if renderer.name == "markdown")


def fail(made: SessionReport) -> bytes:
    raise ValueError("no such template")


def test_a_failing_renderer_costs_no_other(tmp_path: Path) -> None:
    """The others are written, and the failed one is named."""
    targets = [
        ReportTarget(Renderer("mine", "x", fail), tmp_path / "mine"),
        ReportTarget(MARKDOWN, tmp_path / "deep" / "summary.md"),
    ]
    written = write_reports(targets, report(), {})
    assert written.lines == [f"markdown report: {tmp_path / 'deep' / 'summary.md'}"]
    assert written.problems == [
        "the mine report was not made: its renderer raised ValueError: no such template"
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (ValueError("two\nlines"), "ValueError: two lines"),
        (SystemExit(3), "SystemExit: 3"),
        (pytest.fail.Exception("on purpose"), "Failed: on purpose"),
    ],
)
def test_whatever_a_renderer_raises_costs_no_other(
    tmp_path: Path, raised: BaseException, said: str
) -> None:
    """In one line, also for what is no Exception."""

    def leave(made: SessionReport) -> bytes:
        raise raised

    targets = [
        ReportTarget(Renderer("mine", "x", leave), tmp_path / "mine"),
        ReportTarget(MARKDOWN, tmp_path / "summary.md"),
    ]
    written = write_reports(targets, report(), {})
    assert written.lines == [f"markdown report: {tmp_path / 'summary.md'}"]
    assert written.problems == [f"the mine report was not made: its renderer raised {said}"]


def test_markdown_joins_the_jobs_summary(tmp_path: Path) -> None:
    """After what is there already, and only where the variable is set."""
    summary = tmp_path / "summary.md"
    summary.write_text("# Before\n")
    targets = [ReportTarget(MARKDOWN, tmp_path / "report.md")]
    written = write_reports(targets, report(), {"GITHUB_STEP_SUMMARY": str(summary)})
    assert written.lines[1] == "markdown report: added to the job's summary"
    assert summary.read_bytes() == b"# Before\n\n" + (tmp_path / "report.md").read_bytes()


def test_the_summary_itself_may_be_the_target(tmp_path: Path) -> None:
    """It has the report once, after what the step wrote there before."""
    summary = tmp_path / "summary.md"
    summary.write_text("# Before\n")
    targets = [ReportTarget(MARKDOWN, tmp_path / "." / "summary.md")]
    written = write_reports(targets, report(), {"GITHUB_STEP_SUMMARY": str(summary)})
    assert written.lines == ["markdown report: added to the job's summary"]
    text = summary.read_text()
    assert text.startswith("# Before\n\n## Where the time went")
    assert text.count("## Where the time went") == 1


def test_a_full_summary_is_left_alone(tmp_path: Path) -> None:
    """GitHub drops a summary over its limit whole, so nothing is added that would go over."""
    summary = tmp_path / "summary.md"
    summary.write_bytes(b"x" * (SUMMARY_LIMIT_BYTES - 10))
    targets = [ReportTarget(MARKDOWN, tmp_path / "report.md")]
    written = write_reports(targets, report(), {"GITHUB_STEP_SUMMARY": str(summary)})
    assert len(written.lines) == 1
    assert written.problems[0].startswith(
        "the job's summary has 1,048,566 bytes and room for 1,048,576: the report's "
    )
    assert summary.stat().st_size == SUMMARY_LIMIT_BYTES - 10


def test_a_summary_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The report itself is there all the same."""
    with pytest.raises(ReportFileError, match=r"was not added to the job's summary .*: Is a dir"):
        append_summary(tmp_path, b"text")
