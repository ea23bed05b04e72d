"""What the tests of token runs share: fake clocks and small runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_timestamps.tokens.clock import Clock
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.record import RunRecord, RunState
from pytest_timestamps.tokens.window import NS_PER_S, Window


class FakeClock:
    """Both clocks of a run, moved by hand."""

    def __init__(self, wall_s: float = 1_000.0) -> None:
        self._wall_ns = round(wall_s * NS_PER_S)
        self._elapsed_ns = 0

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass on both."""
        self._wall_ns += round(seconds * NS_PER_S)
        self._elapsed_ns += round(seconds * NS_PER_S)

    def set_wall(self, wall_s: float) -> None:
        """Set the wall clock, as an administrator or a time server does."""
        self._wall_ns = round(wall_s * NS_PER_S)

    @property
    def clock(self) -> Clock:
        """What a run reads."""
        return Clock(lambda: self._wall_ns, lambda: self._elapsed_ns)


@pytest.fixture
def time() -> FakeClock:
    """A clock at second 1000 that stands still."""
    return FakeClock()


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
