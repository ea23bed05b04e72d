"""``pytest-timestamps compare``: what changed from BASE to HEAD, and gates on it."""

import os
from pathlib import Path

import click

from pytest_timestamps.analysis.changes import NoisePolicy
from pytest_timestamps.analysis.durations import parse_duration_ns
from pytest_timestamps.analysis.gates import Gate, parse_gates
from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.report.comparing import ReportComparison, compare_reports
from pytest_timestamps.report.comparison_formats import COMPARISON_FORMATS
from pytest_timestamps.report.comparison_text import render_comparison
from pytest_timestamps.report.input_files import output_targets, refuse_overwriting, tell_written
from pytest_timestamps.report.json_reader import load_report
from pytest_timestamps.report.merging import check_distinct
from pytest_timestamps.report.renderers import Renderer
from pytest_timestamps.report.show import echo_lines
from pytest_timestamps.report.writing import write_contents

__all__ = ["compare"]

FAILED = 1


@click.command()
@click.argument("base_file", metavar="BASE.json", type=click.Path(path_type=Path))
@click.argument("head_file", metavar="HEAD.json", type=click.Path(path_type=Path))
@click.option(
    "--base", "more_bases", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
    help="A further report of BASE: the same session, repeated. May be given again.",
)  # fmt: skip
@click.option(
    "--head", "more_heads", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
    help="A further report of HEAD. May be given again.",
)  # fmt: skip
@click.option(
    "--fail-on",
    metavar="EXPR",
    help="Exit with 1 if METRIC>[+]NUMBER[%|ns|ms|s] holds, such as calls>+0,tokens>+10%.",
)
@click.option(
    "--floor",
    metavar="TIME",
    default="50ms",
    show_default=True,
    help="Growth of a time by this or less is never over a percentage.",
)
@click.option(
    "--report",
    "specs",
    multiple=True,
    metavar="FORMAT[:PATH]",
    help="Write the comparison as json, markdown or term; may be repeated.",
)
def compare(
    base_file: Path,
    head_file: Path,
    more_bases: tuple[Path, ...],
    more_heads: tuple[Path, ...],
    fail_on: str | None,
    floor: str,
    specs: tuple[str, ...],
) -> int:
    """Compare two reports, or repeated ones: calls, errors, times, tokens and cost.

    Counts are compared exactly. Times are shown for information unless --fail-on names them.
    """
    gates, policy = _gates(fail_on), NoisePolicy(floor_ns=_floor_ns(floor))
    targets = output_targets(specs, {name: _placeholder(name) for name in COMPARISON_FORMATS})
    base_files, head_files = (base_file, *more_bases), (head_file, *more_heads)
    refuse_overwriting(targets, (*base_files, *head_files))
    bases = [load_report(path) for path in base_files]
    heads = [load_report(path) for path in head_files]
    # A file given twice would pass for a repetition, or every gate by being both sides.
    check_distinct([*bases, *heads])
    compared = compare_reports(bases, heads, gates, policy)
    if any(target.path is None for target in targets):
        echo_lines(render_comparison(compared))
    contents = [
        (target, COMPARISON_FORMATS[target.renderer.name][1](compared))
        for target in targets
        if target.path is not None
    ]
    tell_written(write_contents(contents, os.environ))
    return _status(compared)


def _gates(fail_on: str | None) -> tuple[Gate, ...]:
    if fail_on is None:
        return ()
    try:
        return parse_gates(fail_on)
    except ArgumentError as error:
        raise ArgumentError(f"--fail-on: {error}") from None


def _floor_ns(text: str) -> int:
    try:
        return parse_duration_ns(text)
    except ArgumentError as error:
        raise ArgumentError(f"--floor {error}") from None


def _placeholder(name: str) -> Renderer:
    """A comparison's format among those that a target can name; it renders no session report."""
    return Renderer(name, COMPARISON_FORMATS[name][0], lambda report: b"")


def _status(compared: ReportComparison) -> int:
    return FAILED if compared.failed else 0
