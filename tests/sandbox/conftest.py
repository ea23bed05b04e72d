"""A running sandbox, and plain HTTP to it."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_timestamps.sandbox import Sandbox, SandboxClock

NOW_S = 1_761_523_200


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox whose clock stands at a whole hour until a test moves it."""
    with Sandbox(clock=SandboxClock(frozen_at_s=NOW_S)) as running:
        yield running


@pytest.fixture
def http(sandbox: Sandbox) -> Callable[..., tuple[int, Any]]:
    """``http(method, path, body=None, key=None, **query)`` answers status and parsed body."""

    def ask(
        method: str, path: str, body: Any = None, *, key: str | None = None, **query: Any
    ) -> tuple[int, Any]:
        url = f"{sandbox.root_url}{path}?{urllib.parse.urlencode(query, doseq=True)}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, method=method)
        request.add_header("Authorization", f"Bearer {key or sandbox.admin_key}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    return ask
