"""A sandbox to call, observation switched on, and a tally to look at.

The tests hold for the oldest and the newest supported SDK alike; to run them with the oldest:

    python -m venv old && old/bin/pip install -e '.[sandbox]' --group test openai==1.66.0
    old/bin/python -m pytest tests/tokens/observed
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from pytest_timestamps.sandbox import Sandbox
from pytest_timestamps.tokens import observed
from pytest_timestamps.tokens.observed.seam import HTTP_LIBRARIES


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A running sandbox."""
    with Sandbox() as running:
        yield running


@pytest.fixture(autouse=True)
def _observing() -> Iterator[None]:
    """Observation is on for the test, and off again after it."""
    observed.activate()
    try:
        yield
    finally:
        observed.deactivate()


@pytest.fixture
def tally() -> Iterator[observed.Tally]:
    """A tally that no run is attributed to yet."""
    fresh = observed.Tally()
    yield fresh
    fresh.close()


@pytest.fixture
def run(tally: observed.Tally, sandbox: Sandbox) -> Iterator[observed.Tally]:
    """The tally of a run that is open during the test, with the sandbox's key."""
    with observed.attribute_to(tally, api_key=sandbox.api_key.value):
        yield tally


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[openai.OpenAI]:
    """A sync client that does not retry."""
    key = sandbox.api_key.value
    with openai.OpenAI(base_url=sandbox.base_url, api_key=key, max_retries=0) as made:
        yield made


@pytest.fixture
def http_library() -> Any:
    """The HTTP library of the SDK that is installed: httpx, or httpx2 from version 3 on."""
    with openai.OpenAI(api_key="x") as made:
        packages = {kind.__module__.partition(".")[0] for kind in type(made._client).__mro__}
    (name,) = packages & set(HTTP_LIBRARIES)
    return sys.modules[name]
