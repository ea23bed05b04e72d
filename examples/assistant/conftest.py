"""These tests never call the provider: a sandbox on this machine takes its place."""

import os

import pytest

from pytest_timestamps.sandbox import Sandbox


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("OPENAI_BASE_URL", "").startswith("http://127.0.0.1:"):
        return
    sandbox = Sandbox().start()
    config.add_cleanup(sandbox.stop)
    os.environ["OPENAI_BASE_URL"] = sandbox.base_url
    os.environ["OPENAI_API_KEY"] = sandbox.api_key.value
    os.environ["OPENAI_API_KEY_ID"] = sandbox.api_key.id
