"""``pytest-timestamps doctor``: what reconciliation needs, and what of it is missing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click

from pytest_timestamps.errors import ArgumentError, TimestampsError, TokenRunError
from pytest_timestamps.tokens.keys import KeyPolicy, KeyWish, find_keys
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.listing import list_runs
from pytest_timestamps.tokens.own_prices import price_overrides
from pytest_timestamps.tokens.reconcile.client import BooksClient, check_base_url, find_admin_key
from pytest_timestamps.tokens.reconcile.pages import read_query
from pytest_timestamps.tokens.reconcile.plan import Query
from pytest_timestamps.tokens.window import Window

__all__ = ["Finding", "doctor", "examine"]

_PRICES_OLD_DAYS: Final = 90
_PROVIDER: Final = "https://api.openai.com/"
_MINUTE_S: Final = 60
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; *is_fine* is None for what a person has to judge."""

    subject: str
    is_fine: bool | None
    text: str


@click.command()
@click.argument("runs_dir", metavar="[RUNS_DIR]", default="runs", type=click.Path(path_type=Path))
@click.option("--base-url", metavar="URL", help="Where the provider's API is.")
def doctor(runs_dir: Path, base_url: str | None) -> int:
    """Check keys, the permission to read usage, the address of the API, and the prices.

    Ends with status 1 if something is missing.
    """
    words = {True: "ok", None: "note", False: "missing"}
    failed = False
    for finding in examine(runs_dir, os.environ, base_url, int(time.time())):
        text = " ".join(finding.text.split())
        click.echo(f"{words[finding.is_fine]:8}{finding.subject}: {text}")
        failed = failed or finding.is_fine is False
    return int(failed)


def examine(
    runs_dir: Path, environ: Mapping[str, str], base_url: str | None, now_s: int
) -> Iterator[Finding]:
    """Look at everything, the books included: one small question is asked."""
    yield from _books(environ, base_url, now_s)
    yield from _runs(runs_dir, environ)
    yield _prices(now_s)
    try:
        own = price_overrides(Path.cwd())
    except TimestampsError as error:
        yield Finding("prices of your own", False, str(error))
    else:
        if own:
            yield Finding("prices of your own", True, f"for {', '.join(sorted(own))}")


def _books(environ: Mapping[str, str], base_url: str | None, now_s: int) -> Iterator[Finding]:
    try:
        key = find_admin_key(environ)
    except TokenRunError as error:
        yield Finding("admin key", False, str(error))
        return
    yield Finding("admin key", True, f"in {key.variable}")
    try:
        check_base_url(base_url, environ)
    except ArgumentError as error:
        yield Finding("base URL", False, str(error))
        return
    client = BooksClient(key, base_url, tries=2, timeout_s=20.0)
    try:
        address = client.base_url
        is_providers = address.startswith(_PROVIDER)
        where = address if is_providers else f"{address} is not the provider's own: meant so?"
        yield Finding("base URL", True if is_providers else None, where)
        end_s = now_s // _MINUTE_S * _MINUTE_S
        window = Window(end_s - _MINUTE_S, end_s)
        read_query(client, Query("completions", window, ()))
    except TokenRunError as error:
        yield Finding("permission to read usage", False, str(error))
    else:
        yield Finding("permission to read usage", True, f"a question was answered at {address}")
    finally:
        client.close()


def _runs(runs_dir: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    if not runs_dir.is_dir():
        yield Finding("runs", None, f"there is no folder {runs_dir} yet; pytest makes it")
        return
    listing = list_runs(Ledger(runs_dir))
    yield Finding(
        "runs",
        not listing.bad,
        f"{len(listing.runs)} runs, {len(listing.bad)} bad files in {runs_dir}",
    )
    keyless = [run for run in listing.runs if run.record.usage_scope.api_key_id is None]
    if keyless:
        yield Finding("key ids", None, f"{len(keyless)} runs have none and can't be asked about")
    for framework in sorted({run.record.framework for run in listing.runs}):
        try:
            find_keys([KeyWish(framework, "the next run")], environ, KeyPolicy.REQUIRE)
        except TokenRunError as error:
            yield Finding(f"keys of {framework}", None, f"not for new runs here: {error}")
        else:
            yield Finding(f"keys of {framework}", True, "a key and its id are set")


def _prices(now_s: int) -> Finding:
    """How old the prices are: the table has no date of its own, its installation has."""
    import genai_prices

    name = "genai-prices"
    installed_s = Path(genai_prices.__file__).stat().st_mtime
    age_days = max(0, int(now_s - installed_s) // _DAY_S)
    shown = f"{name} {version(name)}, installed {age_days} days ago"
    if age_days > _PRICES_OLD_DAYS:
        return Finding("prices", None, f"{shown}; newer ones: pip install --upgrade {name}")
    return Finding("prices", True, shown)
