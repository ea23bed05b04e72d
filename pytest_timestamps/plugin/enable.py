"""Switch recording on for a session: register what this process needs, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import pytest

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.plugin.children import Children
from pytest_timestamps.plugin.distribution import hands_out_tests
from pytest_timestamps.plugin.modules import ModuleFinder
from pytest_timestamps.plugin.phases import (
    RecorderPlugin,
    records_all,
    records_on_request,
)
from pytest_timestamps.plugin.recorder import TIMELINE_LIMIT, CaseRecorder
from pytest_timestamps.plugin.settings import Settings, read_settings
from pytest_timestamps.report.records import KeptRecords, Record
from pytest_timestamps.report.renderers import Renderer, collect_renderers

if TYPE_CHECKING:
    from pytest_timestamps.plugin.child_processes import ChildProcesses
    from pytest_timestamps.plugin.instrumenting import InstrumentPlugin

__all__ = ["RECORDER", "SETTINGS", "enable", "enable_on_request"]

RECORDER = pytest.StashKey[CaseRecorder]()
SETTINGS = pytest.StashKey[Settings]()


def enable(config: pytest.Config) -> None:
    """Record every test; ``pytest.UsageError`` for options that can't be used."""
    settings = config.stash[SETTINGS] = read_settings(config, _renderers(config))
    children = _follow_children(config, settings)
    instrumented = _instrument(config, settings, children)
    modules = ModuleFinder() if instrumented is None else ModuleFinder(instrumented.modules)
    if hasattr(config, "workerinput"):
        from pytest_timestamps.plugin.shards import ShardWriter

        writer = ShardWriter(config)
        config.pluginmanager.register(writer, "timestamps-shard")
        workers = int(config.workerinput.get("workercount", 1))
        limit = TIMELINE_LIMIT // max(1, workers) if settings.records_timeline else 0
        _register_recorder(config, writer.keep, limit, modules, children)
        return
    records = KeptRecords()
    if not hands_out_tests(config):
        limit = TIMELINE_LIMIT if settings.records_timeline else 0
        _register_recorder(config, records.keep, limit, modules, children)
    _register_reporting(config, settings, records)


def _register_reporting(
    config: pytest.Config, settings: Settings, records: Iterable[Record]
) -> None:
    # xdist's workers get along without all this.
    from pytest_timestamps.plugin.outcomes import OutcomeListener
    from pytest_timestamps.plugin.reporting import ReportingPlugin
    from pytest_timestamps.plugin.shards import ShardCollector

    shards = ShardCollector()
    outcomes = OutcomeListener()

    def all_records() -> list[Record]:
        return [*records, *shards.records()]

    reporting = ReportingPlugin(config, settings, outcomes, all_records, lambda: shards.processes)
    for name, plugin in (
        ("timestamps-shards", shards),
        ("timestamps-outcomes", outcomes),
        ("timestamps-reporting", reporting),
    ):
        config.pluginmanager.register(plugin, name)


def _instrument(
    config: pytest.Config, settings: Settings, children: ChildProcesses | None
) -> InstrumentPlugin | None:
    if not settings.instrumented:
        return None
    from pytest_timestamps.plugin.instrumenting import InstrumentPlugin

    runs_tests = not hands_out_tests(config)
    plugin = InstrumentPlugin(config, settings, runs_tests, children)
    config.pluginmanager.register(plugin, "timestamps-instrument")
    return plugin


def _follow_children(config: pytest.Config, settings: Settings) -> ChildProcesses | None:
    if not (settings.subprocesses and settings.instrumented) or hands_out_tests(config):
        return None
    from pytest_timestamps.plugin.child_processes import ChildProcesses

    return ChildProcesses(settings.instrumented, settings.budget)


def _renderers(config: pytest.Config) -> Mapping[str, Renderer]:
    """Our formats, and those that conftests and plugins add."""
    try:
        added = config.hook.pytest_timestamps_renderers(config=config)
        return collect_renderers(renderer for answer in added for renderer in answer or ())
    except ArgumentError as error:
        raise pytest.UsageError(f"pytest_timestamps_renderers: {error}") from None
    except Exception as error:
        said = f"{type(error).__name__}: {str(error) or 'no message'}"
        raise pytest.UsageError(f"pytest_timestamps_renderers: raised {said}") from error


def _register_recorder(
    config: pytest.Config,
    keep: Callable[[Record], None],
    timeline_limit: int,
    modules: ModuleFinder,
    children: Children | None,
) -> None:
    # Whether pytest writes its XML; xdist's workers are told of it too.
    if config.getoption("xmlpath", None):
        from pytest_timestamps.plugin.junit import JunitProperties

        properties = JunitProperties(keep)
        config.pluginmanager.register(properties, "timestamps-junit")
        keep = properties.keep
    recorder = CaseRecorder(keep, timeline_limit=timeline_limit, modules=modules, children=children)
    config.stash[RECORDER] = recorder
    config.pluginmanager.register(RecorderPlugin(recorder, records_all), "timestamps-recorder")


def enable_on_request(config: pytest.Config) -> None:
    """Record the tests that ask for their collector; report nothing."""
    recorder = config.stash[RECORDER] = CaseRecorder(lambda record: None, keeps_running=False)
    plugin = RecorderPlugin(recorder, records_on_request)
    config.pluginmanager.register(plugin, "timestamps-recorder")
