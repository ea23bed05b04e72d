"""``pytest-timestamps reconcile``: options, environment and terminal around an `Invocation`."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pytest_timestamps.errors import LedgerError
from pytest_timestamps.tokens.durations import parse_duration_s
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.own_prices import price_overrides
from pytest_timestamps.tokens.reconcile.agenda import Selection
from pytest_timestamps.tokens.reconcile.client import BooksClient, check_base_url, find_admin_key
from pytest_timestamps.tokens.reconcile.drift import parse_tolerance
from pytest_timestamps.tokens.reconcile.invocation import Invocation, Wishes
from pytest_timestamps.tokens.reconcile.policy import (
    Policy,
    checks_from,
    interval_from,
    parse_endpoints,
)
from pytest_timestamps.tokens.reconcile.reconciler import Reconciler
from pytest_timestamps.tokens.reconcile.report import parse_target
from pytest_timestamps.tokens.slugs import check_run_id, check_slug
from pytest_timestamps.tokens.tables import terminal_width

__all__ = ["reconcile"]

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _options(*decorators: _Decorator) -> _Decorator:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


_PATIENCE = _options(
    click.option(
        "--min-age",
        metavar="AGE",
        default="30m",
        show_default=True,
        help="Ask about no run that ended more recently.",
    ),
    click.option(
        "--interval",
        metavar="TIME",
        help="Time between two reads that count [default: 30m, or "
        "$RECONCILIATION_VERIFICATION_INTERVAL_MIN minutes].",
    ),
    click.option(
        "--checks",
        type=int,
        metavar="N",
        help="How many counted reads must agree [default: 2, or "
        "$RECONCILIATION_MIN_STABLE_VERIFICATIONS].",
    ),
    click.option(
        "--max-age",
        metavar="AGE",
        default="24h",
        show_default=True,
        help="Give a run up when it ended longer ago.",
    ),
    click.option(
        "--lag",
        metavar="TIME",
        default="5m",
        show_default=True,
        help="How much later than the answer the books may put usage.",
    ),
    click.option(
        "--settle",
        metavar="TIME",
        default="60m",
        show_default=True,
        help="How long after that usage may still become visible.",
    ),
)
_CHOICE = _options(
    click.option("--framework", metavar="F", help="Only the runs of this framework."),
    click.option("--run", "run_id", metavar="ID", help="Only this run."),
    click.option(
        "--trust-books",
        is_flag=True,
        help="Take the books' figure where a run that was alone disagrees with it.",
    ),
    click.option("--force", is_flag=True, help="Ask again about runs that have failed for good."),
    click.option("--base-url", metavar="URL", help="Where the provider's API is."),
    click.option(
        "--endpoints",
        metavar="LIST",
        default="completions,embeddings",
        show_default=True,
        help="The usage endpoints to ask.",
    ),
)
_OUTPUT = _options(
    click.option("--watch", is_flag=True, help="Go on until all runs are settled."),
    click.option("--dry-run", is_flag=True, help="Show the queries and ask nothing."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    click.option(
        "--report",
        "reports",
        multiple=True,
        metavar="FORMAT[:PATH]",
        help="Also write a report: json, markdown or csv.",
    ),
    click.option(
        "--require-verified", is_flag=True, help="End with status 3 if a run is still open."
    ),
    click.option(
        "--tolerance",
        metavar="SHARE",
        help="End with status 1 if books and observation differ by more, such as 1%.",
    ),
    click.option(
        "--costs",
        "with_costs",
        is_flag=True,
        help="Also compare whole UTC days with the Costs endpoint.",
    ),
)


@click.command()
@click.argument("runs_dir", metavar="[RUNS_DIR]", default="runs", type=click.Path(path_type=Path))
@_CHOICE
@_PATIENCE
@_OUTPUT
def reconcile(runs_dir: Path, **options: Any) -> int:
    """Ask the provider's Usage API about the open runs in RUNS_DIR (default: runs).

    Reads the admin key from OPENAI_ADMIN_KEY. Times are written as 90s, 30m, 1.5h or 0.

    \b
    Ends with status
      0  nothing failed
      1  a query or a run failed, a tolerance was exceeded, a file is bad or disputed
      2  wrong usage or configuration, such as a key that may not read usage
      3  with --require-verified: a run is still open
    """
    policy, wishes = _policy(options), _wishes(options)
    check_base_url(options["base_url"], os.environ)
    if not runs_dir.is_dir():
        what = "is a file" if runs_dir.exists() else "doesn't exist"
        raise LedgerError(f"{runs_dir} {what}; expected a folder of runs, such as runs")
    client: list[BooksClient] = []

    def source() -> BooksClient:
        if not client:
            client.append(
                BooksClient(find_admin_key(os.environ), options["base_url"], pause=time.sleep)
            )
        return client[0]

    progress = _Progress()
    reconciler = Reconciler(
        Ledger(runs_dir),
        policy,
        source,
        time.time,
        price_overrides(Path.cwd()),
        progress.start,
        progress.advance,
    )
    invocation = Invocation(reconciler, click.echo, _note, time.sleep, terminal_width())
    try:
        return invocation.run(wishes)
    finally:
        progress.finish()
        for made in client:
            made.close()


def _policy(options: dict[str, Any]) -> Policy:
    def seconds(name: str) -> int:
        return math.ceil(parse_duration_s(options[name], f"--{name.replace('_', '-')}"))

    return Policy(
        min_age_s=seconds("min_age"),
        interval_s=interval_from(options["interval"], os.environ),
        checks=checks_from(options["checks"], os.environ),
        max_age_s=seconds("max_age"),
        lag_s=seconds("lag"),
        settle_s=seconds("settle"),
        trust_books=options["trust_books"],
        force=options["force"],
        endpoints=parse_endpoints(options["endpoints"]),
    )


def _wishes(options: dict[str, Any]) -> Wishes:
    framework, run_id = options["framework"], options["run_id"]
    return Wishes(
        selection=Selection(
            None if framework is None else check_slug(framework, "--framework"),
            None if run_id is None else check_run_id(run_id),
        ),
        watch=options["watch"],
        dry_run=options["dry_run"],
        as_json=options["as_json"],
        require_verified=options["require_verified"],
        tolerance=None if options["tolerance"] is None else parse_tolerance(options["tolerance"]),
        targets=tuple(parse_target(text) for text in options["reports"]),
        with_costs=options["with_costs"],
    )


def _note(text: str) -> None:
    click.echo(text, err=True)


class _Progress:
    """A bar on a terminal, a line elsewhere; silent where little is asked."""

    _BAR_FROM = 5

    def __init__(self) -> None:
        self._bar: Any = None

    def start(self, count: int) -> None:
        """A pass with *count* questions begins."""
        self.finish()
        if not sys.stderr.isatty():
            _note(f"asking the books: {count} request{'' if count == 1 else 's'}")
        elif count >= self._BAR_FROM:
            self._bar = click.progressbar(length=count, label="asking the books", file=sys.stderr)
            self._bar.__enter__()

    def advance(self) -> None:
        """A page has come."""
        if self._bar is not None:
            self._bar.update(1)

    def finish(self) -> None:
        """The bar's line ends."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
