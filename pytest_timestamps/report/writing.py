"""Write all reports that were asked for; one that fails costs no other."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pytest_timestamps.errors import ReportFileError
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.step_summary import SUMMARISED, SUMMARY_VARIABLE, append_summary
from pytest_timestamps.report.targets import ReportTarget, render_target, write_content

__all__ = ["Written", "add_to_summary", "write_contents", "write_reports"]


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
        if target.path is not None:
            _write(target, partial(render_target, target, report), environ, written)
    return written


def write_contents(
    contents: Iterable[tuple[ReportTarget, bytes]], environ: Mapping[str, str]
) -> Written:
    """The same for what has been rendered already."""
    written = Written()
    for target, content in contents:
        _write(target, partial(bytes, content), environ, written)
    return written


def _write(
    target: ReportTarget, make: Callable[[], bytes], environ: Mapping[str, str], written: Written
) -> None:
    name = target.renderer.name
    try:
        content = make()
        # The summary itself as the target: what the step wrote there before stays.
        if not (name == SUMMARISED and _is_summary(target, environ)):
            write_content(target, content)
            written.lines.append(f"{name} report: {target.path}")
        if name == SUMMARISED:
            add_to_summary(content, environ, written, f"{name} report")
    except ReportFileError as error:
        written.problems.append(str(error))


def _is_summary(target: ReportTarget, environ: Mapping[str, str]) -> bool:
    summary = environ.get(SUMMARY_VARIABLE)
    return bool(
        summary and target.path and os.path.realpath(summary) == os.path.realpath(target.path)
    )


def add_to_summary(content: bytes, environ: Mapping[str, str], written: Written, what: str) -> None:
    """Append to the job's summary where there is one; ReportFileError if it can't be done."""
    summary = environ.get(SUMMARY_VARIABLE)
    if summary:
        append_summary(Path(summary), content)
        written.lines.append(f"{what}: added to the job's summary")
