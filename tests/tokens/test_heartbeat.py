"""The heartbeat: one thread for all runs, none when there is no run, forks included."""

from __future__ import annotations

import os
import queue
import threading
import warnings
from collections.abc import Iterator

import pytest

from pytest_timestamps.tokens.heartbeat import INTERVAL_S, Heartbeat, shared_heartbeat


class Ticks:
    """A wait that returns when told to."""

    def __init__(self) -> None:
        self._ticks: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.intervals: list[float] = []

    def wait(self, stop: threading.Event, interval_s: float) -> bool:
        """Wait for a tick, or for the end."""
        self.intervals.append(interval_s)
        return self._ticks.get()

    def tick(self) -> None:
        """Let one interval pass."""
        self._ticks.put(False)

    def end(self) -> None:
        """Let the thread see that it must stop."""
        self._ticks.put(True)


@pytest.fixture
def ticks() -> Ticks:
    """Intervals that pass when the test says so."""
    return Ticks()


@pytest.fixture
def heartbeat(ticks: Ticks) -> Iterator[Heartbeat]:
    """A heartbeat on these intervals."""
    pulse = Heartbeat(interval_s=3.0, wait=ticks.wait)
    yield pulse
    ticks.end()
    pulse.pause()


def test_every_function_is_called_once_an_interval(heartbeat: Heartbeat, ticks: Ticks) -> None:
    """All that were added are called at each tick."""
    seen: queue.SimpleQueue[str] = queue.SimpleQueue()
    heartbeat.add(lambda: seen.put("a"))
    heartbeat.add(lambda: seen.put("b"))
    ticks.tick()
    assert [seen.get(timeout=60), seen.get(timeout=60)] == ["a", "b"]
    ticks.tick()
    assert [seen.get(timeout=60), seen.get(timeout=60)] == ["a", "b"]
    assert set(ticks.intervals) == {3.0}


def test_a_run_says_that_it_is_alive_at_least_every_five_seconds() -> None:
    """The contract allows a file to lag by five seconds, writing included."""
    assert shared_heartbeat().interval_s == INTERVAL_S <= 5 / 2
    assert shared_heartbeat() is shared_heartbeat()


def test_the_thread_lives_while_there_is_something_to_call() -> None:
    """Removing the last function ends the thread, adding one starts another."""
    heartbeat = Heartbeat(interval_s=60.0)

    def beat() -> None: ...

    assert not heartbeat.is_alive
    heartbeat.add(beat)
    assert heartbeat.is_alive
    heartbeat.remove(beat)
    assert not heartbeat.is_alive
    heartbeat.add(beat)
    assert heartbeat.is_alive
    heartbeat.remove(beat)
    heartbeat.remove(beat)
    assert not heartbeat.is_alive


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_fork_meets_no_thread_and_the_child_starts_its_own() -> None:
    """Forking warns of no thread; parent and child both have a working heartbeat afterwards."""
    heartbeat = shared_heartbeat()

    def beat() -> None: ...

    def other() -> None: ...

    heartbeat.add(beat)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        child = os.fork()
    if child == 0:
        silent_at_first = not heartbeat.is_alive
        heartbeat.add(other)
        os._exit(0 if silent_at_first and heartbeat.is_alive else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert heartbeat.is_alive
    heartbeat.remove(beat)
