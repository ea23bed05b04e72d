"""``pytest-timestamps merge``: one report from the shards of a CI run."""

import os
from pathlib import Path

import click

from pytest_timestamps.report.input_files import output_targets, refuse_overwriting, tell_written
from pytest_timestamps.report.json_reader import load_report
from pytest_timestamps.report.merging import merge_reports
from pytest_timestamps.report.renderers import collect_renderers
from pytest_timestamps.report.show import echo_report
from pytest_timestamps.report.writing import write_reports

__all__ = ["merge"]


@click.command()
@click.argument(
    "report_files", metavar="A.json B.json ...", nargs=-1, required=True,
    type=click.Path(path_type=Path),
)  # fmt: skip
@click.option(
    "--report",
    "specs",
    multiple=True,
    metavar="FORMAT[:PATH]",
    help="Write the merged report in this format to this file; may be repeated.",
)
def merge(report_files: tuple[Path, ...], specs: tuple[str, ...]) -> None:
    """Merge the reports of one CI run's shards, in any order.

    Without --report the merged report is shown on the terminal; json:PATH keeps it.
    """
    targets = output_targets(specs, collect_renderers(()))
    merged = merge_reports([load_report(path) for path in report_files])
    refuse_overwriting(targets, report_files)
    if any(target.path is None for target in targets):
        echo_report(merged)
    tell_written(write_reports(targets, merged, os.environ))
