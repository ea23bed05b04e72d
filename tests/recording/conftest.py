"""Every test here tells the time by hand, and leaves the engine as it was."""

from collections.abc import Iterator
from time import perf_counter_ns

import pytest

from pytest_timestamps.recording.engine import ENGINE

from .support import FakeClock, leftovers


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> Iterator[FakeClock]:
    """The engine's clock for one test; afterwards nothing is held and nothing went wrong."""
    if ENGINE.armed:
        if not request.config.getoption("timestamps"):
            # Skipping here would hide that, and this test with it.
            pytest.fail("an earlier test left recording switched on")
        pytest.skip("this run records itself, and the clock can't be swapped meanwhile")
    fake = FakeClock()
    ENGINE.use_clock(fake)
    ENGINE.faults = 0
    yield fake
    held, faults = leftovers(), ENGINE.faults
    while ENGINE.armed:
        ENGINE.disarm()
    ENGINE.entries.clear()
    ENGINE.use_clock(perf_counter_ns, calibrate=True)
    assert (held, faults) == ([], 0)
