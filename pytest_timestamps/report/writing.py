"""Write all reports that were asked for; one that fails costs no other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_timestamps.errors import ReportFileError
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.step_summary import SUMMARISED, SUMMARY_VARIABLE, append_summary
from pytest_timestamps.report.targets import ReportTarget, write_target

__all__ = ["Written", "write_reports"]


@dataclass(slots=True)
class Written:
    """What came of writing: a line for each file written, and one for each that was not."""

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def write_reports(
    targets: Iterable[ReportTarget], report: SessionReport, environ: Mapping[str, str]
) -> Written:
    """Write each target that has a file; a Markdown report also joins GitHub's job summary."""
    written = Written()
    for target in targets:
        if target.path is None:
            continue
        name = target.renderer.name
        try:
            content = write_target(target, report)
            written.lines.append(f"{name} report: {target.path}")
        except ReportFileError as error:
            written.problems.append(str(error))
            continue
        summary = environ.get(SUMMARY_VARIABLE)
        if name == SUMMARISED and summary:
            try:
                append_summary(Path(summary), content)
                written.lines.append(f"{name} report: added to the job's summary")
            except ReportFileError as error:
                written.problems.append(str(error))
    return written
