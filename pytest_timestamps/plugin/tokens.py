"""Token runs in pytest: what is registered in which process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_timestamps.plugin.distribution import hands_out_tests
from pytest_timestamps.plugin.token_collection import MINT, TokenCollectionPlugin
from pytest_timestamps.plugin.token_controller import TokenReportPlugin, TokenWorkersPlugin

if TYPE_CHECKING:
    from pytest_timestamps.plugin.token_minting import Mint
    from pytest_timestamps.tokens.run import TokenRun

__all__ = ["MARKER_HELP", "configure_token_runs", "running_token_run"]

MARKER_HELP = (
    "token_run(framework='default', run_id=None, api_key_id=None, project_id=None, "
    "scope='function', max_tokens=None, max_cost_usd=None): the test spends LLM tokens; record "
    "its window, and what it is seen to use"
)
_OPTIONS = ("dir", "keys", "max_cost", "project_id")


def configure_token_runs(config: pytest.Config) -> None:
    """Declare the marker, check the options, and look for token runs in what is collected."""
    config.addinivalue_line("markers", MARKER_HELP)
    is_worker = hasattr(config, "workerinput")
    is_controller = hands_out_tests(config)
    mint = _checked_options(config, is_worker)
    if not is_worker:
        report = TokenReportPlugin(config, mint)
        config.pluginmanager.register(report, "token-run-report")
        if is_controller:
            workers = TokenWorkersPlugin(config, report)
            config.pluginmanager.register(workers, "token-run-workers")
    if not is_controller:
        config.pluginmanager.register(TokenCollectionPlugin(config), "token-run-collection")


def _checked_options(config: pytest.Config, is_worker: bool) -> Mint | None:
    """Read the options if there are any, so that a bad one is an error in every session.

    Where keys are minted this also takes the admin key out of the environment, before anything
    is started that could inherit it.
    """
    given = [
        getattr(config.option, f"token_run_{name}", None) or config.getini(f"token_run_{name}")
        for name in _OPTIONS
    ]
    if not any(given):
        return None
    from pytest_timestamps.plugin.token_options import read_token_settings
    from pytest_timestamps.tokens.keys import KeyPolicy

    settings = read_token_settings(config)
    if settings.keys is not KeyPolicy.MINT:
        return None
    from pytest_timestamps.plugin.token_minting import Mint, take_admin_keys

    if is_worker:
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
