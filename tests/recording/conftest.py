"""Every test here tells the time by hand, and leaves the engine as it was."""

from collections.abc import Callable, Iterator
from time import perf_counter_ns
from typing import Any

import pytest

from pytest_timestamps.recording import timestamp
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.marks import MARKS
from pytest_timestamps.recording.sites import Site
from pytest_timestamps.recording.thinned import Thinned
from pytest_timestamps.recording.thinning import Thinning

from .support import FakeClock, leftovers
from .thinned import COSTS, Thin, admitted, free_ends, site_of


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


@pytest.fixture
def thin() -> Iterator[Thin]:
    """Thins a function at a rate at once; it is as before after the test."""
    sites: list[Site] = []

    def make(function: Any, rate: int | None) -> Thinned:
        key, site = site_of(function)
        returns = None if MARKS is None else ENGINE.thinning.cuts.set_returns
        site.thinned = Thinned(key, site, rate, returns)
        sites.append(site)
        return site.thinned

    yield make
    for site in sites:
        site.thinned = None


@pytest.fixture
def thinning(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Thinning]:
    """The engine's rule, at work, with known costs."""
    monkeypatch.setattr(ENGINE, "costs", COSTS)
    ENGINE.thinning.start(None)
    yield ENGINE.thinning
    for site in list(ENGINE.thinning._sites.values()):
        site.may_leave_out = site.may_thin = False
        site.thinned = None
    ENGINE.thinning.stop(None)


@pytest.fixture
def budget(thinning: Thinning) -> Iterator[float]:
    """Recording may cost a tenth of the program's own time."""
    thinning.start(0.1)
    free_ends(thinning)
    yield 0.1
    thinning.stop(0.1)


@pytest.fixture
def busy(clock: FakeClock) -> Callable[..., tuple[Any, Any]]:
    """Makes a function that takes a while, and a caller that calls it a number of times."""

    def make(takes_ns: int, name: str = "leaf") -> tuple[Any, Any]:
        @timestamp(name=name)
        def leaf() -> None:
            clock.work(takes_ns)

        @timestamp(name=f"{name} caller")
        def caller(calls: int) -> None:
            for _ in range(calls):
                leaf()

        return admitted(leaf), admitted(caller)

    return make
