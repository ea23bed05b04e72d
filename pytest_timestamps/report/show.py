"""``pytest-timestamps show``: render a report from its JSON file."""

import shutil
import sys
from pathlib import Path

import click

from pytest_timestamps.analysis.timings import SORT_ORDERS, SortOrder
from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.report.json_reader import load_report
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.renderers import collect_renderers
from pytest_timestamps.report.targets import parse_targets, write_target
from pytest_timestamps.report.terminal import TerminalStyle, render_sections

__all__ = ["show"]


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
def show(report_file: Path, specs: tuple[str, ...], sort: SortOrder, limit: int) -> None:
    """Show a report that ``pytest --timestamps-report=json:REPORT.json`` wrote.

    Relative paths count from the current directory.
    """
    try:
        targets = parse_targets(specs or ("term",), collect_renderers(()), Path.cwd())
    except ArgumentError as error:
        raise ArgumentError(f"--report: {error}") from None
    report = load_report(report_file)
    for target in targets:
        if target.path is not None and target.path.exists() and target.path.samefile(report_file):
            raise ArgumentError(
                f"--report: {target.renderer.name} would overwrite {report_file}, "
                "which it is made from; give it a path of its own"
            )
    for target in targets:
        if target.path is None:
            click.echo(_for_terminal(report, sort, limit), nl=False)
        else:
            write_target(target, report)
            click.echo(f"{target.renderer.name} report: {target.path}")


def _for_terminal(report: SessionReport, sort: SortOrder, limit: int) -> str:
    width = max(40, shutil.get_terminal_size((100, 24)).columns - 1)
    style = TerminalStyle(width=width, top=limit, sort=sort, more="--limit=N shows N")
    lines: list[str] = []
    for section in render_sections(report, style):
        lines += [f" {section.title} ".center(width, "="), *section.lines]
    text = "\n".join(lines) + "\n"
    # A name may hold what the terminal's encoding can't say, and ASCII has no µ.
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
