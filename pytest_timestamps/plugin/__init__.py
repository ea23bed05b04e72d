"""The pytest plugin's doorstep: imported by every pytest run, so it holds next to nothing.

Whether anything is recorded is decided once, in ``pytest_configure``; all that recording
needs is imported there, and only then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from pytest_timestamps.collector import Collector
    from pytest_timestamps.tokens.run import TokenRun

__all__ = ["timestamp_collector", "token_run"]


def pytest_addoption(parser: pytest.Parser) -> None:
    from pytest_timestamps.plugin.options import add_options, add_token_options

    add_options(parser)
    add_token_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from pytest_timestamps.plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


# Last, so that every conftest and plugin that adds a format has been configured.
@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    from pytest_timestamps.plugin.options import MARKER_HELP, is_enabled, prepares_token_runs

    config.addinivalue_line("markers", MARKER_HELP)
    if prepares_token_runs(config):
        from pytest_timestamps.plugin.tokens import configure_token_runs

        configure_token_runs(config)
    if is_enabled(config):
        from pytest_timestamps.plugin.enable import enable

        enable(config)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """What looks after token runs is registered with the first test that is marked as one."""
    report = yield
    marked = _marked(collector, report.result) if report.passed else ()
    if marked:
        from pytest_timestamps.plugin.tokens import meet_token_runs

        meet_token_runs(collector.config, marked, report)
    return report


def _marked(collector: pytest.Collector, nodes: Iterable[object]) -> list[pytest.Item]:
    """The tests among *nodes* that are token runs, by their own marks or their collector's."""
    items = [node for node in nodes if isinstance(node, pytest.Item)]
    if items and collector.get_closest_marker("token_run") is not None:
        return items
    # Most tests have no mark at all.
    return [
        item
        for item in items
        if item.own_markers and any(mark.name == "token_run" for mark in item.own_markers)
    ]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Without the flag, tests that ask for their collector are recorded all the same."""
    if not session.config.pluginmanager.has_plugin("timestamps-recorder") and any(
        "timestamp_collector" in getattr(item, "fixturenames", ()) for item in session.items
    ):
        from pytest_timestamps.plugin.enable import enable_on_request

        enable_on_request(session.config)


@pytest.fixture
def timestamp_collector(request: pytest.FixtureRequest) -> Iterator[Collector]:
    """This test's collector: what the test's set-up, body and teardown called, and how long.

    Asking for it switches recording on for this test, with or without ``--timestamps``.
    """
    from pytest_timestamps.plugin.enable import RECORDER

    recorder = request.config.stash.get(RECORDER, None)
    recorded = recorder.hand_out(request.node.nodeid) if recorder is not None else None
    if recorded is not None:
        yield recorded
        return
    # Asked for while the test was running already (``request.getfixturevalue``).
    from pytest_timestamps.collector import Collector

    with Collector(request.node.nodeid) as collector:
        yield collector


@pytest.fixture
def token_run(request: pytest.FixtureRequest) -> TokenRun:
    """This test's token run: its id and key, its steps, and what was seen of it so far.

    Only for tests with ``@pytest.mark.token_run``.
    """
    from pytest_timestamps.plugin.tokens import running_token_run

    return running_token_run(request)


@pytest.hookimpl(tryfirst=True)
def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """A key that doesn't compare as expected isn't shown letter by letter."""
    from pytest_timestamps.plugin.token_masking import compare_secrets

    return compare_secrets(op, left, right)
