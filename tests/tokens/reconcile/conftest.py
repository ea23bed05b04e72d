"""What the tests of reconciliation share: a world with runs, books and a clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_timestamps.sandbox import Sandbox, SandboxClock
from tests.tokens.reconcile.world import NOON_S, World


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox whose clock stands at noon until a test moves it."""
    with Sandbox(clock=SandboxClock(frozen_at_s=NOON_S)) as running:
        yield running


@pytest.fixture
def world(sandbox: Sandbox, tmp_path: Path) -> Iterator[World]:
    """An empty ledger beside a sandbox."""
    world = World(sandbox, tmp_path / "runs")
    yield world
    world.close()
