"""The options and their ini twins, and whether they switch anything on.

Read by every pytest run, so this module only declares; ``settings`` and ``token_settings`` read
the values.
"""

from __future__ import annotations

import pytest

__all__ = [
    "MARKER_HELP",
    "add_options",
    "add_token_options",
    "gives_token_options",
    "ini_flag",
    "is_enabled",
    "prepares_token_runs",
]

MARKER_HELP = (
    "token_run(framework='default', run_id=None, api_key_id=None, project_id=None, "
    "scope='function', max_tokens=None, max_cost_usd=None): the test spends LLM tokens; record "
    "its window, and what it is seen to use"
)
_TOKEN_OPTIONS = (
    ("dir", "DIR", "folder of the runs' files (default: runs, below the rootdir)"),
    (
        "keys",
        "POLICY",
        "require a key and its id for every run (default), observe without, or mint a key a run",
    ),
    ("max-cost", "USD", "fail the run that takes the session's observed cost above this"),
    ("project-id", "ID", "project in which keys are minted"),
)


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
        ("budget", "PERCENT", "what recording these may cost of the session's time, such as 10%"),
        ("top", "N", "rows in each table (default 10)"),
        ("modules", "N", "rows in the table of modules, 0 for none (default 10 if instrumented)"),
        ("sort", "ORDER", "order of functions: self (default), total or calls"),
        ("min-time", "TIME", "leave out what took less in total, such as 5ms (default: nothing)"),
    ):
        dest = f"timestamps_{name.replace('-', '_')}"
        group.addoption(f"--timestamps-{name}", metavar=metavar, dest=dest, help=_help(text))
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


def _help(text: str) -> str:
    """``text`` for argparse, which reads a percent sign as the start of a placeholder."""
    return text.replace("%", "%%")


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
    group.addoption(
        "--timestamps-fail-on", metavar="EXPR", dest="timestamps_fail_on", help=_help(text)
    )
    parser.addini("timestamps_fail_on", text)


def add_token_options(parser: pytest.Parser) -> None:
    """One group, each option ``--token-run-...`` with an ini twin ``token_run_...``."""
    group = parser.getgroup("token runs", "what a test spends in LLM tokens")
    for name, metavar, text in _TOKEN_OPTIONS:
        dest = f"token_run_{name.replace('-', '_')}"
        group.addoption(f"--token-run-{name}", metavar=metavar, dest=dest, help=text)
        parser.addini(dest, text)
    text = "give token_run.env() a local endpoint that counts what programs of any language use"
    group.addoption(
        "--token-run-forwarding",
        action="store_true",
        default=None,
        dest="token_run_forwarding",
        help=text,
    )
    parser.addini("token_run_forwarding", text, type="bool", default=False)
    parser.addini(
        "token_run",
        "make every test a token run: true for framework 'default', or a framework's name",
    )
    parser.addini(
        "token_run_set_env",
        "make OPENAI_API_KEY the framework's key during its runs",
        type="bool",
        default=True,
    )
    parser.addini(
        "token_run_subprocesses",
        "let Python subprocesses of a run report what they see, without token_run.env()",
        type="bool",
        default=False,
    )


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
    shapes = ("top", "modules", "sort", "min_time", "subprocesses", "budget")
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


def prepares_token_runs(config: pytest.Config) -> bool:
    """Whether there is something to do for token runs before the first of them is met.

    Options are checked in every session, and xdist's controller meets no test itself.
    """
    return (
        bool(getattr(config.option, "tx", None))
        or bool(config.getini("token_run"))
        or gives_token_options(config)
    )


def gives_token_options(config: pytest.Config) -> bool:
    """Whether an option of token runs was given that may be one that can't be used."""
    names = ("dir", "keys", "max_cost", "project_id")
    return any(
        getattr(config.option, f"token_run_{name}", None) or config.getini(f"token_run_{name}")
        for name in names
    )
