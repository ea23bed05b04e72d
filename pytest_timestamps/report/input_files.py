"""Report files that a command reads, and the formats that it writes."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from pytest_timestamps.errors import ArgumentError, ReportFileError
from pytest_timestamps.report.renderers import Renderer
from pytest_timestamps.report.targets import ReportTarget, check_kept, parse_targets
from pytest_timestamps.report.writing import Written

__all__ = ["output_targets", "refuse_overwriting", "tell_written"]


def output_targets(
    specs: Sequence[str], renderers: Mapping[str, Renderer]
) -> tuple[ReportTarget, ...]:
    """The targets of ``--report``, the terminal by default; relative paths count from here."""
    try:
        return parse_targets(specs or ("term",), renderers, Path.cwd())
    except ArgumentError as error:
        raise ArgumentError(f"--report: {error}") from None


def refuse_overwriting(targets: Iterable[ReportTarget], inputs: Iterable[Path]) -> None:
    """ArgumentError for a target that is one of the files read."""
    try:
        check_kept(targets, inputs, "it is made from")
    except ArgumentError as error:
        raise ArgumentError(f"--report: {error}") from None


def tell_written(written: Written) -> None:
    """A line for each file; ReportFileError with all that could not be written."""
    for line in written.lines:
        click.echo(line)
    if written.problems:
        raise ReportFileError("; ".join(written.problems))
