"""``pytest-timestamps runs``: what lies in a ledger, and cleaning up in it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import click

from pytest_timestamps.errors import LedgerError
from pytest_timestamps.tokens.durations import parse_duration_s
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.listing import (
    INTERRUPTED_AFTER_S,
    RunFile,
    list_runs,
    prunable,
    state_at,
)
from pytest_timestamps.tokens.record import RunRecord, RunState
from pytest_timestamps.tokens.runs_view import runs_document, runs_lines
from pytest_timestamps.tokens.tables import terminal_width

__all__ = ["runs"]

_SOMETHING_IS_WRONG = 1


@click.command()
@click.argument(
    "directory",
    metavar="[DIR]",
    default="runs",
    type=click.Path(path_type=Path),
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--prune",
    metavar="AGE",
    help="First remove settled runs that ended longer ago than this (30d, 12h). A run that one "
    "not settled yet may have to be told apart from is kept.",
)
@click.option(
    "--remove-leftover-keys",
    is_flag=True,
    help="First remove minted API keys that a crash left behind; needs the admin key.",
)
def runs(directory: Path, as_json: bool, prune: str | None, remove_leftover_keys: bool) -> int:
    """List the token runs in DIR (default: runs).

    A figure is shown once the provider's books have answered, and a dash until then.
    Ends with status 1 if a file is bad or a verified run is disputed.
    """
    age_s = None if prune is None else parse_duration_s(prune, "--prune")
    if not directory.is_dir():
        what = "is a file" if directory.exists() else "doesn't exist"
        raise LedgerError(f"{directory} {what}; expected a folder of runs, such as runs")
    ledger, now_s = Ledger(directory), int(time.time())
    failed = False
    if remove_leftover_keys:
        failed = not _remove_leftover_keys(ledger, now_s)
    if age_s is not None:
        _prune(ledger, age_s, now_s)
    listing = list_runs(ledger)
    if as_json:
        click.echo(json.dumps(runs_document(listing, directory, now_s), indent=1))
    else:
        for line in runs_lines(listing, directory, now_s, terminal_width()):
            click.echo(line)
    wrong = failed or listing.bad or any(run.disputed for run in listing.runs)
    return _SOMETHING_IS_WRONG if wrong else 0


def _prune(ledger: Ledger, age_s: float, now_s: int) -> None:
    old = prunable(list_runs(ledger).runs, int(age_s), now_s)
    removed = sum(ledger.remove(run.path, _is_still_settled) for run in old)
    click.echo(f"removed {removed} settled runs", err=True)


def _is_still_settled(record: RunRecord) -> bool:
    return RunFile(Path(), record).is_settled


def _remove_leftover_keys(ledger: Ledger, now_s: int) -> bool:
    """Say what was done; whether all of it worked."""
    from pytest_timestamps.tokens.admin_api import OpenAiAdminApi
    from pytest_timestamps.tokens.keys import admin_key
    from pytest_timestamps.tokens.leftovers import remove_leftovers

    going_on = {
        run.record.run_id
        for run in list_runs(ledger).runs
        if state_at(run.record, now_s) is RunState.RUNNING
    }
    report = remove_leftovers(
        lambda: OpenAiAdminApi(admin_key(os.environ)), ledger, going_on.__contains__
    )
    click.echo(f"removed {len(report.removed)} leftover keys", err=True)
    if report.in_use:
        click.echo(
            f"left {len(report.in_use)} keys of runs that go on; a run whose process was killed "
            f"counts as over once it has been silent for {INTERRUPTED_AFTER_S} s: try again then",
            err=True,
        )
    for error in report.errors:
        click.echo(f"a leftover key couldn't be removed: {error}", err=True)
    return not report.errors
