"""A small suite to run pytest on, in every way in which it may be distributed."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_timestamps.sandbox import Sandbox
from tests.plugin.stores import STORE

SHOP = """
from pytest_timestamps import timestamp

@timestamp(name="query")
def query():
    pass

@timestamp(name="total")
def total(items=1):
    for _ in range(items):
        query()

@timestamp(name="explode")
def explode():
    raise ValueError
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture(autouse=True)
def few_plugins(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load this plugin and xdist only: each worker process would import all that is installed."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p timestamps -p xdist")


@pytest.fixture
def all_plugins(few_plugins: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load every plugin that is installed, as pytest does by itself."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    # the older pytest-asyncio warns where this isn't said
    monkeypatch.setenv("PYTEST_ADDOPTS", "-o asyncio_default_fixture_loop_scope=function")


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with a module ``shop`` whose functions are decorated."""
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(shop=SHOP)
    return pytester


@pytest.fixture
def store(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A module ``store``, which child processes find."""
    paths = [str(suite.path), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    suite.makepyfile(store=STORE)
    return suite


@pytest.fixture(params=[("-p", "no:xdist"), ("-n0",), ("-n2",)], ids=["no xdist", "n0", "n2"])
def run(request: pytest.FixtureRequest, suite: pytest.Pytester) -> Run:
    """Run pytest with ``--timestamps``, without xdist, with it idle, and with two workers."""

    def run_pytest(*arguments: str) -> pytest.RunResult:
        return suite.runpytest_inprocess("--timestamps", *request.param, *arguments)

    return run_pytest


@pytest.fixture
def alone(suite: pytest.Pytester) -> Run:
    """Run pytest without xdist, with nothing but the arguments given."""

    def run_pytest(*arguments: str) -> pytest.RunResult:
        return suite.runpytest_inprocess("-p", "no:xdist", *arguments)

    return run_pytest


@pytest.fixture
def written(suite: pytest.Pytester) -> Callable[..., dict[str, Any]]:
    """Read the JSON report that the run has written."""

    def read(name: str = "timestamps.json") -> dict[str, Any]:
        document: dict[str, Any] = json.loads((suite.path / name).read_text())
        return document

    return read


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the environment that a provider's client would read."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "OPEN_AI_")):
            monkeypatch.delenv(name)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A provider on this machine."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def at_sandbox(no_keys: None, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's keys and base URL are the sandbox's."""
    monkeypatch.setenv("OPENAI_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", sandbox.api_key.value)
    monkeypatch.setenv("OPENAI_API_KEY_ID", sandbox.api_key.id)
