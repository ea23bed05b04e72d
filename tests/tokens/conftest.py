"""What the tests of token runs share: fake clocks and small runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.record import RunRecord, RunState
from pytest_timestamps.tokens.window import Window


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger."""
    ledger = Ledger(tmp_path / "runs")
    ledger.prepare()
    return ledger


@pytest.fixture
def record() -> RunRecord:
    """A finished run of ten seconds."""
    return RunRecord(
        run_id="0b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a10",
        framework="baes",
        window=Window(1_000, 1_010),
        duration_s=9.5,
        state=RunState.FINISHED,
    )
