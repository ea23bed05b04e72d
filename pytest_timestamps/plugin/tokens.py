"""Token runs in pytest: what is registered in which process, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_timestamps.plugin.distribution import hands_out_tests
from pytest_timestamps.plugin.options import gives_token_options
from pytest_timestamps.plugin.token_collection import MINT, TokenCollectionPlugin
from pytest_timestamps.plugin.token_controller import TokenReportPlugin, TokenWorkersPlugin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_timestamps.plugin.token_minting import Mint
    from pytest_timestamps.tokens.run import TokenRun

__all__ = ["configure_token_runs", "meet_token_runs", "running_token_run"]

_COLLECTION_PLUGIN = "token-run-collection"


def configure_token_runs(config: pytest.Config) -> None:
    """Check the options, and register what they, or xdist, need before any test is collected."""
    mint = _checked_options(config)
    if hands_out_tests(config):
        workers = TokenWorkersPlugin(config, _register_report(config, mint))
        config.pluginmanager.register(workers, "token-run-workers")
    elif mint is not None or config.getini("token_run"):
        _register_collection(config, mint)


def meet_token_runs(
    config: pytest.Config, items: Sequence[pytest.Item], report: pytest.CollectReport
) -> None:
    """These collected *items* are marked; where one's marker can't be used, *report* fails."""
    plugin = config.pluginmanager.get_plugin(_COLLECTION_PLUGIN)
    if plugin is None:
        plugin = _register_collection(config)
    plugin.check_markers(items, report)


def _register_collection(config: pytest.Config, mint: Mint | None = None) -> TokenCollectionPlugin:
    if not hasattr(config, "workerinput"):
        _register_report(config, mint)
    plugin = TokenCollectionPlugin(config)
    config.pluginmanager.register(plugin, _COLLECTION_PLUGIN)
    return plugin


def _register_report(config: pytest.Config, mint: Mint | None) -> TokenReportPlugin:
    report = TokenReportPlugin(config, mint)
    config.pluginmanager.register(report, "token-run-report")
    return report


def _checked_options(config: pytest.Config) -> Mint | None:
    """Read the options if there are any, so that a bad one is an error in every session.

    Where keys are minted this also takes the admin key out of the environment, before anything
    is started that could inherit it.
    """
    if not gives_token_options(config):
        return None
    from pytest_timestamps.plugin.token_settings import read_token_settings
    from pytest_timestamps.tokens.keys import KeyPolicy

    settings = read_token_settings(config)
    if settings.keys is not KeyPolicy.MINT:
        return None
    from pytest_timestamps.plugin.token_minting import Mint, take_admin_keys

    if hasattr(config, "workerinput"):
        take_admin_keys()
        return None
    mint = config.stash[MINT] = Mint(settings.run_dir)
    return mint


def running_token_run(request: pytest.FixtureRequest) -> TokenRun:
    """The run of the test that asks; fails the test if it isn't a run."""
    from pytest_timestamps.plugin.token_runs import RUN

    run: TokenRun | None = request.node.stash.get(RUN, None)
    if run is None:
        pytest.fail(
            f"{request.node.nodeid} asks for the fixture token_run and is no token run; mark it "
            "with @pytest.mark.token_run",
            pytrace=False,
        )
    return run
