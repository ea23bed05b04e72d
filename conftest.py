"""Settings that the whole suite shares."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import settings

from tools.compiled import beside_sources

# pytester forgets the modules that an inner run imported first. A second copy of an HTTP library
# has exception classes of its own, which the first copy's callers don't know, and a second copy
# of what observes them finds the first one's seams in place: so these are here before any test.
for _name in ("httpcore", "httpcore2", "httpx", "httpx2", "openai"):
    if importlib.util.find_spec(_name) is not None:
        importlib.import_module(_name)
for _name in ("observed.activation", "forwarding.endpoint"):
    importlib.import_module(f"pytest_timestamps.tokens.{_name}")

# Only the root conftest may name plugins.
pytest_plugins = ["pytester"]


def pytest_configure() -> None:
    """Compiled modules that a build has left here would be tested in place of their sources."""
    told = beside_sources(Path(__file__).parent / "pytest_timestamps")
    if told:
        raise pytest.UsageError(told)


# How long an example takes depends on the machine, and on coverage being measured.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
