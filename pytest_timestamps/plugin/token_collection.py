"""From collected tests to planned runs: markers checked, runs planned, keys found.

Registered in each process that collects, once it meets a token run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_timestamps.plugin.token_exchange import RunExchange
    from pytest_timestamps.plugin.token_marker import RunSpec
    from pytest_timestamps.plugin.token_minting import Mint
    from pytest_timestamps.plugin.token_plan import PlannedRun
    from pytest_timestamps.plugin.token_settings import TokenSettings
    from pytest_timestamps.tokens.mint import KeySource

__all__ = ["INPUT_KEY", "MINT", "RUNS_PLUGIN", "TokenCollectionPlugin"]

INPUT_KEY = "token_runs"
"""The controller's message to a worker, in ``workerinput``."""

RUNS_PLUGIN = "token-runs"
MINT: pytest.StashKey[Mint] = pytest.StashKey()


class TokenCollectionPlugin:
    """Plans the session's token runs; not there before a test is one, or an option asks."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._message: dict[str, Any] = getattr(config, "workerinput", {}).get(INPUT_KEY, {})
        self._for_all: RunSpec | None = None
        ini = str(config.getini("token_run") or "")
        if ini:
            from pytest_timestamps.plugin.token_marker import default_spec

            self._for_all = default_spec(ini)

    def check_markers(self, items: Iterable[pytest.Item], report: pytest.CollectReport) -> None:
        """A marker that can't be used is an error of collection, under the file that has it."""
        complaints = [complaint for item in items if (complaint := self._complaint(item))]
        if complaints:
            report.outcome = "failed"
            report.longrepr = "\n".join(complaints)
            report.result = []

    def _complaint(self, item: pytest.Item) -> str | None:
        from pytest_timestamps.plugin.token_marker import MarkerError
        from pytest_timestamps.plugin.token_plan import run_spec_of

        try:
            run_spec_of(item, self._for_all)
        except MarkerError as error:
            return f"{item.nodeid}: @pytest.mark.token_run: {error}"
        return None

    # First, as the process that hands out tests is told of the end of collection by this hook.
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Check what the selected runs need, before any test runs."""
        if not session.items or self._config.option.collectonly:
            return
        if self._config.getoption("setuponly", False) or self._config.getoption("setupplan", False):
            return
        self._prepare(session.items)

    def _prepare(self, items: list[pytest.Item]) -> None:
        from pytest_timestamps.plugin.token_exchange import Preflight, RunExchange
        from pytest_timestamps.plugin.token_plan import plan_runs, run_spec_of, site_of

        sites = [
            site_of(item, spec) for item in items if (spec := run_spec_of(item, self._for_all))
        ]
        if not sites:
            return
        runs = plan_runs(sites)
        folder = self._message.get("exchange")
        if folder is None:
            self._register(runs, None)
            return
        exchange = RunExchange(Path(folder))
        complaint: str | None = None
        try:
            self._register(runs, exchange)
        except pytest.UsageError as error:
            complaint = str(error)
        groups = {
            test: f"token run of {run.name}"
            for run in runs
            if len(run.tests) > 1
            for test in run.tests
        }
        exchange.write_preflight(self._message["worker"], Preflight(complaint, groups))

    def _register(self, runs: list[PlannedRun], exchange: RunExchange | None) -> None:
        """Get ready for *runs*; ``pytest.UsageError`` says what is wrong."""
        from pytest_timestamps.errors import TimestampsError
        from pytest_timestamps.plugin.token_plan import split_runs, twice_given
        from pytest_timestamps.plugin.token_runs import RunsPlugin
        from pytest_timestamps.plugin.token_session import RunSession, check_session
        from pytest_timestamps.plugin.token_settings import read_token_settings

        settings = read_token_settings(self._config)
        dist, workers = self._message.get("dist", "no"), self._message.get("workers", 1)
        complaint = twice_given(runs) or split_runs(runs, dist, workers)
        if complaint is not None:
            raise pytest.UsageError(complaint)
        has_begun = exchange is not None and exchange.has_runs()
        try:
            keys = check_session(settings, runs, os.environ, has_begun=has_begun)
            session = RunSession(
                settings,
                keys,
                key_source=self._key_source(settings),
                worker=self._message.get("worker"),
                exchange=exchange,
            )
        except TimestampsError as error:
            raise pytest.UsageError(str(error)) from None
        plugin = RunsPlugin(self._config, session, runs)
        self._config.pluginmanager.register(plugin, RUNS_PLUGIN)

    def _key_source(self, settings: TokenSettings) -> KeySource | None:
        from pytest_timestamps.errors import KeysError
        from pytest_timestamps.tokens.keys import KeyPolicy

        if settings.keys is not KeyPolicy.MINT:
            return None
        if "mint" in self._message:
            from pytest_timestamps.plugin.token_minting import key_source_at

            return key_source_at(self._message["mint"])
        mint = self._config.stash[MINT]
        if mint.minter is None:
            raise KeysError(mint.complaint)
        return mint.minter
