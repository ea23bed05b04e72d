"""Signal handlers run in the midst of recording, and what they raise is the program's."""

import signal
import sys
from collections.abc import Callable
from types import FrameType

import pytest

from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.engine import ENGINE

from .support import FakeClock, tree


class Late(Exception):
    """What a deadline raises."""


def late(number: int, frame: FrameType | None) -> None:
    """A handler that is a function."""
    raise Late


class Deadline:
    """Handlers that are a method, and an object."""

    def late(self, number: int, frame: FrameType | None) -> None:
        raise Late

    def __call__(self, number: int, frame: FrameType | None) -> None:
        raise Late


HANDLERS = [late, Deadline().late, Deadline()]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no signal to send on this system")
@pytest.mark.parametrize("handler", HANDLERS, ids=["function", "method", "object"])
def test_what_a_handler_raises_is_not_kept(
    clock: FakeClock, handler: Callable[[int, FrameType | None], None]
) -> None:
    """A deadline that fires while a span is opened reaches the program, as it would without."""
    due = False

    def read() -> int:
        nonlocal due
        if due:
            due = False
            signal.raise_signal(signal.SIGUSR1)
        return clock()

    @timestamp(name="leaf")
    def leaf() -> None:
        clock.work(1)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        ENGINE.use_clock(read)
        with Capture() as capture:
            leaf()
            due = True
            with pytest.raises(Late):
                leaf()
            due = False
            leaf()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert tree(capture)["leaf"][0] >= 2
    ENGINE.faults = 0


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="3.11's wrapper reads no broken clock")
def test_a_fault_of_recordings_own_is_kept(clock: FakeClock) -> None:
    """What no handler has raised is counted, and goes nowhere."""
    broken = False

    def read() -> int:
        if broken:
            raise Late
        return clock()

    @timestamp(name="leaf")
    def leaf() -> int:
        nonlocal broken
        broken = False
        return 1

    ENGINE.use_clock(read)
    with Capture():
        leaf()
        broken = True
        assert leaf() == 1
    assert ENGINE.faults == 1
    ENGINE.faults = 0
