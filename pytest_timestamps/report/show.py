"""``pytest-timestamps show``: render a report from its JSON file."""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from pytest_timestamps.analysis.timings import SORT_ORDERS, SortOrder
from pytest_timestamps.report.input_files import output_targets, refuse_overwriting, tell_written
from pytest_timestamps.report.json_reader import load_report
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.renderers import collect_renderers
from pytest_timestamps.report.terminal import TerminalStyle, render_sections
from pytest_timestamps.report.writing import write_reports

__all__ = ["echo_lines", "echo_report", "show"]


@click.command()
@click.argument("report_file", metavar="REPORT.json", type=click.Path(path_type=Path))
@click.option(
    "--report",
    "specs",
    multiple=True,
    metavar="FORMAT[:PATH]",
    help="Render to this format and file instead of the terminal; may be repeated.",
)
@click.option(
    "--sort",
    type=click.Choice(SORT_ORDERS),
    default="self",
    show_default=True,
    help="Order of the functions on the terminal.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Rows in each table on the terminal.",
)
@click.option(
    "--modules",
    type=click.IntRange(min=0),
    help="Rows in the table of modules on the terminal, 0 for none; 10 for whole packages.",
)
def show(
    report_file: Path,
    specs: tuple[str, ...],
    sort: SortOrder,
    limit: int,
    modules: int | None,
) -> None:
    """Show a report that ``pytest --timestamps-report=json:REPORT.json`` wrote.

    Relative paths count from the current directory.
    """
    targets = output_targets(specs, collect_renderers(()))
    report = load_report(report_file)
    refuse_overwriting(targets, [report_file])
    if any(target.path is None for target in targets):
        echo_report(report, sort=sort, limit=limit, modules=modules)
    tell_written(write_reports(targets, report, os.environ))


def echo_report(
    report: SessionReport,
    *,
    sort: SortOrder = "self",
    limit: int = 10,
    modules: int | None = None,
) -> None:
    """Print the report as wide as the terminal is."""
    width = max(40, shutil.get_terminal_size((100, 24)).columns - 1)
    style = TerminalStyle(
        width=width,
        top=limit,
        sort=sort,
        modules=modules,
        more="--limit=N shows N",
        more_modules="--modules=N shows N",
    )
    lines: list[str] = []
    for section in render_sections(report, style):
        lines += [f" {section.title} ".center(width, "="), *section.lines]
    echo_lines(lines)


def echo_lines(lines: Iterable[str]) -> None:
    """Print lines that may hold what the terminal's encoding can't say: ASCII has no µ."""
    encoding = sys.stdout.encoding or "utf-8"
    text = "".join(f"{line}\n" for line in lines)
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding), nl=False)
