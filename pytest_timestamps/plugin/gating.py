"""``--timestamps-compare`` and ``--timestamps-fail-on``: the session against a BASE."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_timestamps.analysis.gates import Gate, parse_gates
from pytest_timestamps.errors import ArgumentError, ReportFileError
from pytest_timestamps.report.comparing import ReportComparison, compare_reports
from pytest_timestamps.report.json_reader import load_report
from pytest_timestamps.report.merging import check_distinct
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.writing import Written, add_to_summary

__all__ = ["Baseline", "add_comparison_to_summary", "read_baseline"]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the session is compared with, read before any test runs, and the gates."""

    reports: tuple[SessionReport, ...]
    gates: tuple[Gate, ...]

    def judge(self, report: SessionReport) -> ReportComparison:
        """The session compared; without a BASE only limits on its own figures apply."""
        compared = compare_reports(self.reports or (report,), (report,), self.gates)
        return compared if self.reports else replace(compared, base_ids=())


def read_baseline(files: Sequence[Path], fail_on: str | None) -> Baseline | None:
    """The baseline that the options ask for, None for no options.

    Raises ArgumentError for a file that can't be read, for one given twice, for gates that can't
    be, and for a gate on growth without a BASE to grow from.
    """
    try:
        reports = tuple(load_report(path) for path in files)
        check_distinct(reports)
    except (ArgumentError, ReportFileError) as error:
        raise ArgumentError(f"--timestamps-compare: {error}") from None
    gates: tuple[Gate, ...] = ()
    if fail_on is not None:
        try:
            gates = parse_gates(fail_on)
        except ArgumentError as error:
            raise ArgumentError(f"--timestamps-fail-on: {error}") from None
    if not reports:
        for gate in gates:
            if gate.is_growth:
                raise ArgumentError(
                    f"--timestamps-fail-on: {gate.text!r} looks at growth and there is nothing "
                    "to compare with; give --timestamps-compare=BASE.json"
                )
    return Baseline(reports, gates) if reports or gates else None


def add_comparison_to_summary(
    compared: ReportComparison, environ: Mapping[str, str], written: Written
) -> None:
    """The comparison joins the Markdown report in GitHub's job summary."""
    from pytest_timestamps.report.comparison_formats import render_comparison_markdown

    try:
        add_to_summary(render_comparison_markdown(compared), environ, written, "comparison")
    except ReportFileError as error:
        written.problems.append(str(error))
