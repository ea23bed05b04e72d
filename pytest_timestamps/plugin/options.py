"""The options and their ini twins, and whether they switch recording on.

Read by every pytest run, so this module only declares; ``settings`` reads the values.
"""

from __future__ import annotations

import pytest

__all__ = ["add_options", "ini_flag", "is_enabled"]


def add_options(parser: pytest.Parser) -> None:
    """One group, each option ``--timestamps-...`` with an ini twin ``timestamps_...``."""
    group = parser.getgroup("timestamps", "where the time goes (pytest-timestamps-tokens)")
    group.addoption(
        "--timestamps",
        action="store_const",
        const=True,
        default=None,
        dest="timestamps",
        help="record decorated functions in every test, report hotspots at the end",
    )
    group.addoption(
        "--no-timestamps",
        action="store_const",
        const=False,
        dest="timestamps",
        help="switch it off, whatever addopts and the other options say",
    )
    parser.addini("timestamps", "record in every run (--timestamps)", type="bool", default=False)
    group.addoption(
        "--timestamps-report",
        action="append",
        metavar="FORMAT[:PATH]",
        dest="timestamps_report",
        help="write a report: term, html, json, markdown, csv, openmetrics, folded, speedscope or "
        "perfetto, to PATH (default timestamps.EXTENSION in the rootdir); may be repeated",
    )
    parser.addini("timestamps_report", "reports to write, one FORMAT[:PATH] a line", "linelist")
    _add_gates(parser, group)
    group.addoption(
        "--timestamps-instrument",
        action="append",
        metavar="PACKAGE[,...]",
        dest="timestamps_instrument",
        help="record every function of these packages, modules or globs, !NAME leaves some out; "
        "may be repeated",
    )
    parser.addini("timestamps_instrument", "what to record undecorated, one a line", "linelist")
    for name, metavar, text in (
        ("top", "N", "rows in each table (default 10)"),
        ("modules", "N", "rows in the table of modules, 0 for none (default 10 if instrumented)"),
        ("sort", "ORDER", "order of functions: self (default), total or calls"),
        ("min-time", "TIME", "leave out what took less in total, such as 5ms (default: nothing)"),
    ):
        dest = f"timestamps_{name.replace('-', '_')}"
        group.addoption(f"--timestamps-{name}", metavar=metavar, dest=dest, help=text)
        parser.addini(dest, text)
    for name, text in (
        ("subprocesses", "record instrumented packages in Python processes that tests start too"),
        ("per-test", "show a table of functions for each test"),
        ("timeline", "record every span, and show the first of them in order"),
    ):
        dest = f"timestamps_{name.replace('-', '_')}"
        group.addoption(
            f"--timestamps-{name}", action="store_true", default=None, dest=dest, help=text
        )
        parser.addini(dest, text, type="bool", default=False)


def _add_gates(parser: pytest.Parser, group: pytest.OptionGroup) -> None:
    group.addoption(
        "--timestamps-compare",
        action="append",
        metavar="BASE.json",
        dest="timestamps_compare",
        help="compare with this JSON report; repeated ones of the same session are taken together",
    )
    parser.addini("timestamps_compare", "JSON reports to compare with, one a line", "linelist")
    text = "fail if METRIC>[+]NUMBER[%|ns|ms|s] holds, such as calls>+0,tokens>+10%"
    # argparse reads a percent sign in a help text as the start of a placeholder.
    group.addoption(
        "--timestamps-fail-on",
        metavar="EXPR",
        dest="timestamps_fail_on",
        help=text.replace("%", "%%"),
    )
    parser.addini("timestamps_fail_on", text)


def is_enabled(config: pytest.Config) -> bool:
    """Whether to record: asked for, or implied by an option that asks for output.

    In an ini file the options that only shape the output (top, sort, ...) imply nothing.
    """
    option = config.option
    if any(getattr(option, name, False) for name in ("collectonly", "help", "version")):
        # No test will run: an empty report could only replace a full one.
        return False
    switch: bool | None = getattr(option, "timestamps", None)
    if switch is not None:
        return switch
    asks = ("report", "per_test", "timeline", "compare", "fail_on", "instrument")
    shapes = ("top", "modules", "sort", "min_time", "subprocesses")
    return (
        any(getattr(option, f"timestamps_{name}", None) is not None for name in asks + shapes)
        or ini_flag(config, "timestamps")
        or any(ini_flag(config, f"timestamps_{name}") for name in asks)
    )


def ini_flag(config: pytest.Config, name: str) -> bool:
    """Whether an ini value is set; ``pytest.UsageError`` for one that is neither true nor false.

    pytest's own error doesn't name it, and before pytest 9 it is an internal error.
    """
    try:
        return bool(config.getini(name))
    except (ValueError, pytest.UsageError) as error:
        raise pytest.UsageError(f"{name} must be true or false: {error}") from None
