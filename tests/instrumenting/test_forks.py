"""What is done in a forked process."""

from __future__ import annotations

import os

import pytest

from pytest_timestamps.instrumenting.forks import do_in_forks, stop_doing_in_forks
from pytest_timestamps.recording.engine import ENGINE


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_latest_that_was_asked_for_is_done(capfd: pytest.CaptureFixture[str]) -> None:
    """Until it is asked for no more; nothing that goes wrong in it is let out."""
    told: list[str] = []

    def first() -> None:
        told.append("first")

    def second() -> None:
        told.append("second")
        raise ValueError

    assert _seen_in_fork(told) == ([], 0)
    do_in_forks(first)
    do_in_forks(second)
    assert _seen_in_fork(told) == (["second"], 1)
    stop_doing_in_forks(second)
    stop_doing_in_forks(second)
    assert _seen_in_fork(told) == (["first"], 0)
    stop_doing_in_forks(first)
    assert _seen_in_fork(told) == ([], 0)
    assert (told, capfd.readouterr()) == ([], ("", ""))


def _seen_in_fork(told: list[str]) -> tuple[list[str], int]:
    """What was told in a forked process, and the faults counted there."""
    read_end, write_end = os.pipe()
    before = ENGINE.faults
    child = os.fork()
    if not child:
        os.write(write_end, f"{','.join(told)};{ENGINE.faults - before}".encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        names, faults = pipe.read().split(";")
    os.waitpid(child, 0)
    return list(filter(None, names.split(","))), int(faults)
